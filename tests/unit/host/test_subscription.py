"""Readers that follow a log and are told what they missed."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from paglets_nb.host.event_log import EventLog
from paglets_nb.host.event_pages import KEPT, EventGap, HostEvent


@pytest.fixture
def log() -> EventLog:
    """An empty log."""
    return EventLog("alpha")


def test_events_as_they_happen(log: EventLog) -> None:
    """A subscription gets what happens after it began, each once, in order, and its cursor follows."""
    log.record("create", "before")
    subscription = log.subscribe()
    assert subscription.get(0) is None
    for name in "abc":
        log.record("create", name)
    found = [subscription.get(1) for _ in range(3)]
    assert [event.agent_id for event in found if isinstance(event, HostEvent)] == ["a", "b", "c"]
    assert subscription.cursor == 4
    assert subscription.get(0.01) is None


def test_a_wait_ends_with_the_event(log: EventLog) -> None:
    """A reader that waits is woken by the event."""
    subscription = log.subscribe()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(subscription.get, 10)
        assert not threading.Event().wait(0.02)
        log.record("create", "a")
        event = waiting.result(5)
    assert isinstance(event, HostEvent)
    assert event.agent_id == "a"


def test_it_goes_on_from_its_cursor(log: EventLog) -> None:
    """A later subscription from the number of an earlier one misses nothing and repeats nothing."""
    first = log.subscribe(0)
    for number in range(10):
        log.record("create", str(number))
    for _ in range(4):
        first.get(1)
    second = log.subscribe(first.cursor)
    assert [event.agent_id for event in (second.get(1) for _ in range(6)) if isinstance(event, HostEvent)] == list(
        "456789"
    )


def test_a_gap_is_told_where_it_is(log: EventLog) -> None:
    """A reader that fell behind is told of the gap before it gets what is held, and has its cursor behind the gap."""
    subscription = log.subscribe(0)
    for number in range(KEPT + 500):
        log.record("create", str(number))
    gap = subscription.get(1)
    assert gap == EventGap(0, 501)
    event = subscription.get(1)
    assert isinstance(event, HostEvent)
    assert event.number == 501


def test_kinds_and_messages(log: EventLog) -> None:
    """Only the kinds asked for come; messages only where they are wanted."""
    steps, disposals = log.subscribe(messages=False), log.subscribe(kinds=["dispose"])
    log.record("create", "a")
    log.record_message("a", "echo")
    log.record("dispose", "a")
    kinds = [event.kind for event in (steps.get(1), steps.get(1)) if isinstance(event, HostEvent)]
    assert kinds == ["create", "dispose"]
    event = disposals.get(1)
    assert isinstance(event, HostEvent)
    assert event.kind == "dispose"
    assert disposals.get(0) is None


def test_the_end_of_the_log_ends_iteration(log: EventLog) -> None:
    """Iteration goes on until the log closes, and gives what was recorded before."""
    subscription = log.subscribe()
    seen: list[str] = []

    def read() -> None:
        seen.extend(event.agent_id for event in subscription if isinstance(event, HostEvent))

    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(read)
        for name in "abc":
            log.record("create", name)
        log.close()
        reading.result(5)
    assert seen == ["a", "b", "c"]
    assert subscription.get() is None


def test_closing_ends_it(log: EventLog) -> None:
    """A closed subscription gives nothing more, and iteration over it ends."""
    subscription = log.subscribe(0)
    for name in "abc":
        log.record("create", name)
    subscription.get(1)
    subscription.close()
    assert list(subscription) == []
    assert subscription.get(0) is None
