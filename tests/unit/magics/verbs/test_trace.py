from __future__ import annotations

import pytest

from paglets_nb.widgets.trace import Trace
from tests.unit.magics.notebook import Notebook


def test_what_passed_is_drawn(meshed: Notebook, counter: str) -> None:
    """Of one paglet, from a number or some seconds on, up to a number, the latest."""
    meshed.run("%paglet dispatch counter beta")
    meshed.run("%paglet call counter add")
    mine = meshed.run("%paglet trace counter")
    assert isinstance(mine, Trace)
    assert [step.label for step in mine] == ["created on alpha", "dispatch counter", "add"]
    assert len(meshed.run(f"%paglet trace counter --since {mine[0].number}")) == 2
    assert len(meshed.run("%paglet trace counter --since 60s")) == 3
    assert len(meshed.run(f"%paglet trace counter --until {mine[0].number}")) == 1
    last = meshed.run("%paglet trace counter --limit 1")
    assert (len(last), last.left_out) == (1, 2)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("--since soon", "wants an event's number, or seconds such as 5s, got 'soon'"),
        ("--since 0s", "wants an event's number, or seconds such as 5s, got '0s'"),
        ("--limit 0", "--limit wants a number from 1 to 1000, got 0"),
        ("nobody", "no paglet 'nobody'"),
    ],
)
def test_mistakes_are_one_line(meshed: Notebook, line: str, says: str) -> None:
    """They say what was wanted."""
    assert says in meshed.refused(f"%paglet trace {line}")


def test_of_a_paglet_that_is_gone(meshed: Notebook, counter: str) -> None:
    """Of one of which nothing is told it is said that it is not there; what is told of another is drawn."""
    meshed.run("from paglets_nb import PagletProxy")
    meshed.run("_lost = PagletProxy(_counter.host_url, 'abc', _counter.client, name='lost')")
    assert meshed.refused("%paglet trace _lost").startswith("no paglet 'lost' on alpha (")
    meshed.run("%paglet dispose counter")
    assert [step.label for step in meshed.run("%paglet trace _counter")] == ["created on alpha", "disposed on alpha"]
