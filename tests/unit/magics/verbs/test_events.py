from __future__ import annotations

from typing import Any

from paglets_nb.widgets.records import EventTable
from tests.unit.magics.notebook import Notebook


def test_what_happened_is_listed(meshed: Notebook, counter: str) -> None:
    """Kind, host, paglet and number each narrow the list down."""
    meshed.run("%paglet dispatch counter beta")
    agent_id = meshed.variable("_counter").agent_id
    mine = meshed.run("%paglet events --paglet counter")
    assert isinstance(mine, EventTable)
    assert [event.kind for event in mine] == ["create", "dispatch", "arrival"]
    assert {event.agent_id for event in mine} == {agent_id}
    assert [event.kind for event in meshed.run("%paglet events --paglet counter --on beta")] == ["arrival"]
    assert meshed.run("%paglet events --paglet counter --kind create")[0] == mine[0]
    assert meshed.run(f"%paglet events --paglet counter --since {mine[0].number}") == mine[1:]
    assert meshed.run("%paglet events --paglet counter --limit 1") == mine[2:]
    assert meshed.run("%paglet events --limit 0") == []


def test_following_ends_with_the_limit(meshed: Notebook, counter: str) -> None:
    """As many events as were asked for, or until the time is over."""
    assert len(meshed.run("%paglet events --follow --limit 1 --paglet counter")) == 1
    assert meshed.run("%paglet events --follow --timeout 0.2 --kind quarantine") == []


def test_in_a_page_they_are_a_live_list(meshed: Notebook, counter: str, page: list[dict[str, Any]]) -> None:
    """Of those that are wanted; what is returned stays the same."""
    meshed.run("%paglet dispatch counter beta")
    found = meshed.run("%paglet events --follow --limit 3 --paglet counter")
    assert [event.kind for event in found] == ["create", "dispatch", "arrival"]
    view = meshed.session._views[-1]
    assert view.buffer.events == 3
    assert ">dispatch</td>" in page[-1]["text/html"]
    assert meshed.run("%paglet events --follow --timeout 0.2 --kind quarantine") == []


def test_mistakes_are_one_line(meshed: Notebook) -> None:
    """Numbers that are none, and strangers."""
    assert "wants a whole number from 0, got '-1'" in meshed.refused("%paglet events --since -1")
    assert meshed.refused("%paglet events --on gamma").startswith("no host 'gamma'")
    assert meshed.refused("%paglet events --kind foo").startswith("there is no kind of event 'foo' (kinds: create, ")
    assert meshed.refused("%paglet events --kind dispach").endswith("; did you mean 'dispatch'?")
    assert meshed.run("%paglet events --kind quarantine") == []
