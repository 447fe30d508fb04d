"""Pages of events as they travel."""

from __future__ import annotations

from typing import Any

import pytest

from paglets_nb.codec import payload as payloads
from paglets_nb.core.proxy import PagletProxy
from paglets_nb.host.client import HostClient
from paglets_nb.host.event_pages import EVENT_VERB, KEPT, EventGap, EventPage, EventsRequest, HostEvent
from paglets_nb.host.host import Host

PAGE = EventPage([HostEvent(7, "create", "p1", "alpha", 1.5, {"name": "x", "raw": b"\0"})], 7, 3, True, "log")


@pytest.mark.parametrize(
    "value",
    [
        PAGE,
        EventPage(),
        EventsRequest(),
        EventsRequest(5, 10, 1.5, ("create",), False, "log"),
        EventGap(3, 9),
    ],
    ids=lambda value: type(value).__name__,
)
def test_they_travel_whole(value: Any) -> None:
    """What is asked and answered is the same after the wire."""
    payload, buffers = payloads.encode(value)
    assert payloads.decode(payload, buffers, type(value)) == value


def test_what_a_request_leaves_out() -> None:
    """A bare request wants everything that is held, now."""
    request = EventsRequest()
    assert (request.since, request.limit, request.wait_timeout, request.kinds) == (0, KEPT, 0.0, ())
    assert request.messages


def test_a_host_answers_by_the_page(alpha: Host, paglet: PagletProxy) -> None:
    """Another process reads a host's log page by page with what the last page said."""
    client = HostClient()
    for _ in range(5):
        paglet.send("echo")
    seen: list[HostEvent] = []
    request = EventsRequest(limit=4)
    while (page := client.ask(alpha.address, EVENT_VERB, request, EventPage)).events:
        assert len(page.events) <= 4
        assert not page.gap
        seen += page.events
        request = EventsRequest(page.next_since, 4, log_id=page.log_id)
    assert seen == alpha.list_events()
    assert [event.number for event in seen] == list(range(1, len(seen) + 1))
    client.close()
