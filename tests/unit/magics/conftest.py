"""One shell for the room's tests, and one mesh of two hosts for those that need one."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import pytest
from IPython.core.history import HistoryManager
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from paglets_nb.magics.extension import _loaded
from tests.unit.magics.notebook import Notebook, meshed_notebook


@pytest.fixture(scope="session")
def shell() -> Iterator[Any]:
    """A real shell in this process."""
    main, hook, excepthook = sys.modules["__main__"], sys.displayhook, sys.excepthook
    config = Config()
    config.HistoryManager.enabled = False
    made = InteractiveShell.instance(config=config)
    yield made
    InteractiveShell.clear_instance()
    sys.displayhook, sys.excepthook = hook, excepthook
    sys.modules["__main__"] = main
    HistoryManager._instances.clear()


@pytest.fixture
def notebook(shell: Any) -> Iterator[Notebook]:
    """The shell with the extension loaded and no mesh; to be asked for before ``meshed`` in a file."""
    assert "paglets_nb" not in shell.extension_manager.loaded
    shell.run_cell("%load_ext paglets_nb").raise_error()
    yield Notebook(shell)
    if "paglets_nb" in shell.extension_manager.loaded:
        shell.run_cell("%unload_ext paglets_nb").raise_error()


@pytest.fixture(scope="module")
def meshed(shell: Any) -> Iterator[Notebook]:
    """The shell with the extension loaded, two hosts up and the sample paglets defined."""
    with meshed_notebook(shell) as made:
        yield made


@pytest.fixture
def counter(meshed: Notebook) -> Iterator[str]:
    """The name of a fresh Counter on alpha."""
    meshed.run("_counter = %paglet create Counter --on alpha --name counter")
    yield "counter"
    proxy = meshed.variable("_counter")
    if proxy.is_valid():
        proxy.dispose()


@pytest.fixture
def worker(meshed: Notebook) -> Iterator[str]:
    """The name of a fresh Worker on alpha."""
    meshed.run("_worker = %paglet create Worker --on alpha --name worker")
    yield "worker"
    meshed.variable("_worker").dispose()


@pytest.fixture
def page(shell: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[dict[str, Any]]]:
    """What is published to the page of a notebook, as though the shell were a kernel's; views are closed at the end."""
    published: list[dict[str, Any]] = []

    def publish(data: dict[str, Any], **_more: Any) -> None:
        published.append(data)

    for name, value in (("set_thread_parent", lambda _parent: None), ("get_parent", dict)):
        monkeypatch.setattr(shell, name, value, raising=False)
    monkeypatch.setattr(shell, "reset_thread_parent", lambda _tokens: None, raising=False)
    monkeypatch.setattr(shell.display_pub, "publish", publish)
    yield published
    for extension in list(_loaded.values()):
        extension.session.close_views()
