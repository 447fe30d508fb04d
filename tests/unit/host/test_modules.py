from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from paglets_nb.codec.modules import module_store
from paglets_nb.errors import SerializationError
from paglets_nb.host.host import Host
from paglets_nb.host.modules import MODULE_LIST_VERB, MODULE_VERB, DefineRequest, Modules
from paglets_nb.host.protocol import CreateRequest, Nothing

NAME = "told_to_a_host"
TEXT = """
from dataclasses import dataclass
from paglets_nb import Paglet, PagletState

@dataclass
class State(PagletState):
    count: int = 4

class Stored(Paglet[State]):
    durability = "lifecycle"

    def handle_message(self, message):
        return self.state.count
"""


@pytest.fixture(autouse=True)
def _clean() -> Iterator[None]:
    """No test leaves a module behind."""
    yield
    module_store.forget(NAME)


def _define(host: Host, text: str, version: str = "v1", *, load: bool = True) -> None:
    host.client.ask(host.address, MODULE_VERB, DefineRequest(NAME, text, version, load), Nothing)


def test_a_module_is_defined_on_a_host(alpha: Host) -> None:
    """What is asked for by the verb can be imported, and paglets of its classes can be made."""
    _define(alpha, TEXT)
    assert sys.modules[NAME].State().count == 4
    assert alpha.client.create(alpha.address, CreateRequest(f"{NAME}:Stored")).send("any") == 4


def test_what_is_wrong_with_it_is_told(alpha: Host) -> None:
    """The text's own error comes back; nothing is kept of it."""
    with pytest.raises(ZeroDivisionError):
        _define(alpha, "1/0")
    assert not list((alpha.data_dir / "modules").glob("*"))
    with pytest.raises(SerializationError, match="'json' already"):
        alpha.client.ask(alpha.address, MODULE_VERB, DefineRequest("json", "", "v"), Nothing)


def test_a_module_that_is_only_told_is_not_executed(alpha: Host) -> None:
    """Without ``load`` it waits for its first import."""
    _define(alpha, "raise RuntimeError('executed')", load=False)
    assert NAME not in sys.modules
    assert module_store.get(NAME) is not None


def test_a_durable_paglet_of_it_comes_back(tmp_path: Path) -> None:
    """A host that starts again knows its modules before it brings back its paglets."""
    with Host("kept", data_dir=tmp_path) as first:
        _define(first, TEXT)
        made = first.client.create(first.address, CreateRequest(f"{NAME}:Stored"))
    module_store.forget(NAME)
    with Host("kept", data_dir=tmp_path) as second:
        assert [proxy.agent_id for proxy in second.get_proxies()] == [made.agent_id]
        assert second.get_proxy(made.agent_id).send("any") == 4


def test_what_the_process_knows_goes_before_what_is_stored(tmp_path: Path) -> None:
    """A start neither undoes a newer definition nor stops at a file that cannot be a module."""
    folder = tmp_path / "modules"
    folder.mkdir()
    (folder / f"{NAME}.py").write_text("value = 'stored'")
    (folder / "json.py").write_text("value = 'stored'")
    (folder / "bad-name.py").write_bytes(b"\xff")
    module_store.define(NAME, "value = 'known'")
    with Host("kept", data_dir=tmp_path):
        assert sys.modules[NAME].value == "known"
        assert module_store.get("json") is None


def test_a_host_tells_its_modules(alpha: Host) -> None:
    """Name, text and version of each are what it was given."""
    _define(alpha, TEXT, "v7")
    found = alpha.client.ask(alpha.address, MODULE_LIST_VERB, Nothing(), Modules).modules
    assert [(module.name, module.text, module.version) for module in found if module.name == NAME] == [
        (NAME, TEXT, "v7")
    ]
