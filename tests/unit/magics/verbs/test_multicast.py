from __future__ import annotations

from collections.abc import Iterator

import pytest

from paglets_nb.errors import CallTimeoutError, NotHandledError
from paglets_nb.widgets.records import ReplyTable
from tests.unit.magics.notebook import Notebook


@pytest.fixture
def echoes(meshed: Notebook) -> Iterator[list[str]]:
    """Two paglets that answer what they are sent, one on each host."""
    meshed.run("_near = %paglet create Echo --on alpha --name near")
    meshed.run("_far = %paglet create Echo --on beta --name far")
    yield ["near", "far"]
    meshed.run("%paglet dispose near far")


def test_every_paglet_answers(meshed: Notebook, echoes: list[str]) -> None:
    """Without names it goes to all that are awake, and the replies come back as a table."""
    replies = meshed.run("%paglet multicast hello n=1 --json '{\"m\": 2}'")
    assert isinstance(replies, ReplyTable)
    assert replies.values == [{"kind": "hello", "n": 1, "m": 2}] * 2
    assert {reply.label for reply in replies} == set(echoes)
    assert replies.failed == []


def test_sleeping_ones_are_left_alone(meshed: Notebook, echoes: list[str]) -> None:
    """Only one that is named is woken."""
    far = meshed.run("%paglet deactivate far")
    assert [reply.label for reply in meshed.run("%paglet multicast hello")] == ["near"]
    assert not far.is_active()
    assert len(meshed.run("%paglet multicast hello near far")) == 2
    assert far.is_active()


def test_failures_and_silence_are_rows(meshed: Notebook, echoes: list[str], counter: str) -> None:
    """One that refuses and one that does not answer in time keep nobody from answering."""
    replies = {reply.label: reply for reply in meshed.run("%paglet multicast hello near counter")}
    assert replies["near"].ok
    assert isinstance(replies["counter"].error, NotHandledError)
    replies = {reply.label: reply for reply in meshed.run("%paglet multicast sleep near counter by=3 --timeout 1.5")}
    assert replies["near"].ok
    assert isinstance(replies["counter"].error, CallTimeoutError)


def test_it_can_go_to_one_host(meshed: Notebook, echoes: list[str]) -> None:
    """``--on`` leaves the others out."""
    assert [reply.label for reply in meshed.run("%paglet multicast hello --on beta")] == ["far"]
    assert [reply.label for reply in meshed.run("%paglet multicast hello near far --on alpha")] == ["near"]
    assert meshed.refused("%paglet multicast hello nobody").startswith("no paglet 'nobody'")
