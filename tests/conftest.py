"""What every test shares: no thread or process may outlive it unnoticed, no user folder is touched."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="session", autouse=True)
def _interrupts_arrive() -> None:
    """What a shell starts in the background ignores Ctrl-C, which some tests send."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def _own_jupyter_folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep IPython's and Jupyter's folders of the user out of the tests."""
    root: Path = tmp_path_factory.mktemp("jupyter")
    names = ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR")
    with pytest.MonkeyPatch.context() as patch:
        for name in names:
            folder = root / name.lower()
            folder.mkdir(mode=0o700)
            patch.setenv(name, os.fspath(folder))
        patch.setenv("PYDEVD_DISABLE_FILE_VALIDATION", "1")
        yield
