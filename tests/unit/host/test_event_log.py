"""What happened on a host."""

from __future__ import annotations

import threading

import pytest

from paglets_nb.host.event_log import KEPT, EventLog, HostEvent


def test_events_are_numbered_and_dated() -> None:
    """Events count up from one, and say what, whom, where and when."""
    log = EventLog("alpha")
    log.record("create", "a1", class_name="Counter")
    log.record("dispose", "a1")
    first, second = log.list_events()
    assert (first.number, first.kind, first.agent_id, first.host_name) == (1, "create", "a1", "alpha")
    assert first.details == {"class_name": "Counter"}
    assert second.number == 2
    assert second.timestamp >= first.timestamp > 1e9


def test_since_and_limit() -> None:
    """A reader goes on from the last number it saw, a page at a time."""
    log = EventLog("alpha")
    for number in range(10):
        log.record("create", str(number))
    assert [event.number for event in log.list_events(since=7)] == [8, 9, 10]
    assert [event.number for event in log.list_events(since=2, limit=3)] == [3, 4, 5]
    assert log.list_events(since=10) == log.list_events(since=99) == []
    assert log.list_events(limit=0) == []


def test_the_log_is_bounded() -> None:
    """Only the latest events are kept; their numbers go on."""
    log = EventLog("alpha")
    for _ in range(KEPT + 50):
        log.record("create", "a")
    events = log.list_events()
    assert len(events) == KEPT
    assert (events[0].number, events[-1].number) == (51, KEPT + 50)
    assert [event.number for event in log.list_events(since=KEPT + 48)] == [KEPT + 49, KEPT + 50]
    assert log.list_events(since=10, limit=1)[0].number == 51


def test_listeners_hear_each_event_until_taken_off() -> None:
    """A listener hears every event from then on, until it is taken off."""
    log = EventLog("alpha")
    heard: list[HostEvent] = []
    remove = log.add_listener(heard.append)
    log.record("create", "a")
    remove()
    log.record("dispose", "a")
    assert [event.kind for event in heard] == ["create"]


def test_a_failing_listener_harms_nobody(caplog: pytest.LogCaptureFixture) -> None:
    """A listener that raises is logged; the step it was told of goes on, the others hear of it."""
    log = EventLog("alpha")
    heard: list[HostEvent] = []

    def fail(_event: HostEvent) -> None:
        raise ZeroDivisionError

    log.add_listener(fail)
    log.add_listener(heard.append)
    log.record("create", "a")
    assert [event.kind for event in heard] == ["create"]
    assert "a listener of alpha failed" in caplog.text


def test_threads_get_distinct_numbers() -> None:
    """Events recorded by several threads at once have distinct numbers in order."""
    log = EventLog("alpha")
    threads = [threading.Thread(target=lambda: [log.record("create", "a") for _ in range(100)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    assert [event.number for event in log.list_events()] == list(range(1, 401))
