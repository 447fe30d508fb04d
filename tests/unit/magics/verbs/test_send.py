from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.unit.magics.notebook import Notebook


@pytest.fixture
def echo(meshed: Notebook) -> Iterator[str]:
    """A paglet that answers what it was sent."""
    meshed.run("_echo = %paglet create Echo --name echo")
    yield "echo"
    meshed.run("%paglet dispose echo")


def test_send_carries_literals_and_text(meshed: Notebook, echo: str) -> None:
    """Keys hold numbers, JSON or text; the reply is what the handler returned."""
    reply = meshed.run("""%paglet send echo hello n=1 items=[1, 2] text='a b' --json '{"n": 0, "more": true}'""")
    assert reply == {"kind": "hello", "n": 1, "items": [1, 2], "text": "a b", "more": True}


def test_oneway_returns_nothing(meshed: Notebook, echo: str) -> None:
    """``--oneway`` does not wait for a reply."""
    assert meshed.run("%paglet send echo hello --oneway") is None


def test_an_unhandled_kind_lists_the_operations(meshed: Notebook, counter: str) -> None:
    """A kind that the paglet does not handle is one line."""
    assert meshed.refused("%paglet send counter foo") == "Counter does not handle 'foo' (operations: add, fail, sleep)"
