from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from paglets_nb.testing import wait_until
from paglets_nb.widgets.drain_follower import DrainFollower
from paglets_nb.widgets.records import DrainedEvents
from tests.unit.magics.notebook import Notebook


@pytest.fixture
def feed(meshed: Notebook) -> Iterator[str]:
    """The name of a paglet with three events."""
    meshed.run("_feed = %paglet create Feed --name feed")
    meshed.run("%paglet send feed put numbers=[10,20,30]")
    yield "feed"
    meshed.run("%paglet dispose feed")


def test_events_come_behind_a_cursor(meshed: Notebook, feed: str) -> None:
    """All, those behind a number, and so many; the list says where to go on."""
    found = meshed.run("%paglet drain feed")
    assert isinstance(found, DrainedEvents)
    assert [(event["cursor"], event["n"]) for event in found] == [(1, 10), (2, 20), (3, 30)]
    assert found.cursor == 3
    assert meshed.run("%paglet drain feed --after 2") == found[2:]
    some = meshed.run("%paglet drain feed drain --limit 2")
    assert (list(some), some.cursor) == (list(found[:2]), 2)
    nothing = meshed.run("%paglet drain feed --after 3")
    assert (list(nothing), nothing.cursor) == ([], 3)


def test_following_ends_with_the_stream_the_limit_or_the_time(meshed: Notebook, feed: str) -> None:
    """Each of them gives back what came."""
    assert len(meshed.run("%paglet drain feed --follow --limit 3")) == 3
    assert len(meshed.run("%paglet drain feed --follow --timeout 0.2")) == 3
    meshed.run("%paglet send feed close")
    assert len(meshed.run("%paglet drain feed --follow")) == 3


def test_what_keeps_no_events_is_told(meshed: Notebook, feed: str, counter: str) -> None:
    """A paglet without a drain, an operation that is none, and a cursor that cannot be."""
    assert meshed.refused("%paglet drain counter").startswith("counter keeps no events to drain")
    assert "feed has no drain 'dran' (drains: drain); did you mean 'drain'?" in meshed.refused(
        "%paglet drain feed dran"
    )
    assert "whole number" in meshed.refused("%paglet drain feed --after x")


@pytest.mark.parametrize("line", ["%paglet drain feed", "%paglet drain feed --follow", "%%paglet drain feed\npass"])
def test_trimmed_events_are_told_with_the_way_on(meshed: Notebook, feed: str, line: str) -> None:
    """What the message says is what goes on with the first event that is held."""
    meshed.run("%paglet send feed trim to=2")
    meshed.run("%paglet send feed close")
    assert meshed.refused(line) == ("events 1 to 2 were trimmed; the first one held is 3: --after 2 goes on from there")
    found = meshed.run(line.replace("feed", "feed --after 2", 1))
    assert (found if isinstance(found, int) else len(found)) == 1


def test_in_a_page_the_events_are_a_live_list(meshed: Notebook, feed: str, page: list[dict[str, Any]]) -> None:
    """Which goes on by its button, behind the last event that was read; what is returned stays the same."""
    found = meshed.run("%paglet drain feed --follow --limit 2")
    assert [event["n"] for event in found] == [10, 20]
    assert found.cursor == 2
    view = meshed.session._views[-1]
    assert (view.title, view.follower.state, view.buffer.events) == ("feed", "paused", 2)
    assert "2 events, up to cursor 2; paused" in page[-1]["text/html"]
    view.resume()
    wait_until(lambda: view.buffer.events == 3)
    assert len(meshed.run("%paglet drain feed --follow --timeout 0.2")) == 3
    assert meshed.run("%paglet drain feed --follow --limit 0") == []


def test_in_a_page_the_list_is_shown_once(meshed: Notebook, feed: str, page: list[dict[str, Any]]) -> None:
    """As the last line of its cell what is returned adds nothing to the live list; in another it is a table."""
    format_of = meshed.shell.display_formatter.format
    found = meshed.run("%paglet drain feed --follow --limit 2")
    assert page
    assert format_of(found)[0] == {}
    assert "10" in format_of(found[:1])[0]["text/plain"]
    events = meshed.run("%paglet events --follow --limit 1")
    assert format_of(events)[0] == {}
    assert "n=10" in format_of(found)[0]["text/html"]
    assert "n=10" in format_of(meshed.run("%paglet drain feed"))[0]["text/html"]


def test_in_a_page_a_gap_is_a_row(meshed: Notebook, feed: str, page: list[dict[str, Any]]) -> None:
    """And the events behind it come."""
    meshed.run("%paglet send feed trim to=2")
    meshed.run("%paglet send feed close")
    found = meshed.run("%paglet drain feed --follow")
    assert [event["n"] for event in found] == [30]
    assert "events 1 to 2 are no longer held" in page[-1]["text/html"]
    assert "the stream has ended" in page[-1]["text/html"]


def test_in_a_page_a_stop_ends_it(
    meshed: Notebook, feed: str, page: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With what had come."""
    real = DrainFollower.read

    def read(self: DrainFollower, wait: float, limit: int = 0) -> Any:
        if self.buffer.events:
            raise KeyboardInterrupt
        return real(self, wait, limit)

    monkeypatch.setattr(DrainFollower, "read", read)
    assert len(meshed.run("%paglet drain feed --follow")) == 3
    assert "paused" in page[-1]["text/html"]
