"""What happened on a host."""

from __future__ import annotations

import threading
import time

import pytest

from paglets_nb.core.references import PagletProxyRef
from paglets_nb.host.event_log import RESERVED, EventLog
from paglets_nb.host.event_pages import KEPT, EventGap, EventPage, EventsRequest, HostEvent
from paglets_nb.testing import wait_until


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


def test_messages_are_counted() -> None:
    """Messages are told apart from other steps, also those that are kept no more and those that failed."""
    log = EventLog("alpha")
    log.record("create", "a1")
    for number in range(KEPT + 10):
        log.record_message("a1", "add", error=None if number else ValueError())
    log.record("dispose", "a1")
    assert log.messages == KEPT + 10


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


class TestMessages:
    def test_a_handled_message_says_kind_and_sender(self) -> None:
        """A message's event names its kind and who sent it; a failed one names the error too."""
        log = EventLog("alpha")
        log.record_message("a1", "add", PagletProxyRef("unix:///x", "b2"))
        log.record_message("a1", "add", None, ZeroDivisionError())
        good, bad = log.list_events()
        assert (good.kind, good.agent_id) == ("message-delivered", "a1")
        assert good.details == {"message": "add", "sender": "b2"}
        assert (bad.kind, bad.details["error"]) == ("message-failed", "ZeroDivisionError")

    def test_how_long_a_handler_ran_is_told_where_it_was_looked_at(self) -> None:
        """Nobody looks at the clock before somebody reads messages; other readers do not change that."""
        log = EventLog("alpha")
        log.page(EventsRequest(kinds=("notification",)))
        assert not log.timed
        log.record_message("a1", "add", None, None, time.time() - 2.0)
        log.record_message("a1", "add", None, None, time.time() + 3600.0)
        log.record_message("a1", "add")
        first, second, third = (event.details for event in log.list_events())
        assert log.timed
        assert first["seconds"] >= 2.0
        assert second["seconds"] == 0.0  # the clock was set meanwhile
        assert "seconds" not in third

    def test_traffic_does_not_push_out_the_rest(self) -> None:
        """However many messages come, the last steps stay, and the whole stays within its bound."""
        log = EventLog("alpha")
        for _ in range(RESERVED):
            log.record("create", "a")
        for _ in range(3 * KEPT):
            log.record_message("a", "add")
        events = log.list_events()
        assert len(events) == KEPT
        assert [event.kind for event in events[:RESERVED]] == ["create"] * RESERVED
        assert events[-1].number == RESERVED + 3 * KEPT

    def test_steps_do_not_push_out_all_traffic(self) -> None:
        """However many steps come, the last messages before them stay until steps have filled the log."""
        log = EventLog("alpha")
        for _ in range(KEPT):
            log.record_message("a", "add")
        for _ in range(RESERVED + 100):
            log.record("create", "a")
        kinds = [event.kind for event in log.list_events()]
        assert kinds.count("message-delivered") == KEPT - RESERVED
        assert len(kinds) == KEPT

    def test_listeners_may_leave_messages_out(self) -> None:
        """A listener that wants no messages does not hear them."""
        log = EventLog("alpha")
        every: list[HostEvent] = []
        steps: list[HostEvent] = []
        log.add_listener(every.append)
        log.add_listener(steps.append, messages=False)
        log.record_message("a", "add")
        log.record("create", "a")
        assert [event.kind for event in every] == ["message-delivered", "create"]
        assert [event.kind for event in steps] == ["create"]

    def test_recording_costs_less_than_a_microsecond(self) -> None:
        """The best of several rounds of recording a message stays below a microsecond each."""
        log = EventLog("alpha")
        record = log.record_message
        rounds: list[float] = []
        for _ in range(20):
            begin = time.perf_counter()
            for _ in range(1000):
                record("a", "add", None)
            rounds.append((time.perf_counter() - begin) / 1000)
        assert min(rounds) < 1e-6

    def test_a_step_between_messages_keeps_its_place(self) -> None:
        """Messages and steps are listed in the order of their numbers."""
        log = EventLog("alpha")
        log.record_message("a", "one")
        log.record("create", "a")
        log.record_message("a", "two")
        assert [event.number for event in log.list_events()] == [1, 2, 3]
        assert [event.kind for event in log.list_events(since=1)] == ["create", "message-delivered"]


class TestPages:
    def test_pages_go_on_where_the_last_ended(self) -> None:
        """A reader that asks on from next_since gets every event once."""
        log = EventLog("alpha")
        for number in range(25):
            log.record("create", str(number))
        since, seen = 0, []
        while (page := log.page(EventsRequest(since, limit=10))).events:
            seen += [event.number for event in page.events]
            since = page.next_since
            assert not page.gap
        assert seen == list(range(1, 26))
        assert since == 25

    def test_a_gap_is_told(self) -> None:
        """A reader whose events were dropped is told from where on nothing is missing."""
        log = EventLog("alpha")
        for _ in range(KEPT + 5):
            log.record("create", "a")
        behind, exact = log.page(EventsRequest(3)), log.page(EventsRequest(5))
        assert behind.gap
        assert behind.first_number == 6
        assert not exact.gap
        assert exact.events[0].number == 6

    def test_who_wants_all_or_a_gap_is_not_sent_a_part(self) -> None:
        """More than the limit of a kind are a gap, behind which the reader goes on."""
        log = EventLog("alpha")
        for number in range(12):
            log.record("create" if number % 2 else "dispose", str(number))
        wanted = EventsRequest(limit=6, kinds=("create",), all_or_gap=True)
        assert len(log.page(wanted).events) == 6
        log.record("create", "more")
        page = log.page(wanted)
        assert (page.events, page.gap, page.next_since, page.first_number) == ([], True, 13, 14)
        log.record("create", "next")
        page = log.page(EventsRequest(page.next_since, 6, log_id=page.log_id, all_or_gap=True))
        assert [event.agent_id for event in page.events] == ["next"]
        assert not page.gap

    def test_dropped_messages_are_no_gap_for_who_does_not_want_them(self) -> None:
        """Messages that were dropped concern only readers that want messages."""
        log = EventLog("alpha")
        log.record("create", "a")
        for _ in range(2 * KEPT):
            log.record_message("a", "add")
        assert log.page(EventsRequest()).gap
        steps = log.page(EventsRequest(messages=False))
        assert not steps.gap
        assert [event.kind for event in steps.events] == ["create"]
        assert steps.next_since == 2 * KEPT + 1

    def test_kinds_are_chosen(self) -> None:
        """Only the kinds asked for come; what is left out counts as read."""
        log = EventLog("alpha")
        for kind in ("create", "notification", "dispose"):
            log.record(kind, "a")
        page = log.page(EventsRequest(kinds=("notification",)))
        assert [event.kind for event in page.events] == ["notification"]
        assert page.next_since == 3

    def test_another_log_is_read_from_its_start(self) -> None:
        """A reader that comes with the numbers of a host's earlier life gets the new log whole, as a gap."""
        log = EventLog("alpha")
        log.record("create", "a")
        page = log.page(EventsRequest(700, log_id="another"))
        assert page.gap
        assert page.log_id == log.log_id
        assert [event.number for event in page.events] == [1]

    def test_a_page_waits_for_the_first_event(self) -> None:
        """A request that waits is answered by the event that happens meanwhile."""
        log = EventLog("alpha")
        got: list[list[HostEvent]] = []
        reader = threading.Thread(target=lambda: got.append(log.page(EventsRequest(wait_timeout=10)).events))
        reader.start()
        log.record("create", "a")
        reader.join(5)
        assert [event.kind for event in got[0]] == ["create"]

    def test_a_wait_for_one_kind_lasts_through_others(self) -> None:
        """A reader that waits for one kind sleeps through the rest, and steps it slept through are no gap."""
        log = EventLog("alpha")
        pages = []
        request = EventsRequest(kinds=("notification",), messages=False, wait_timeout=10)
        reader = threading.Thread(target=lambda: pages.append(log.page(request)))
        reader.start()
        for _ in range(20):
            log.record("create", "a")
        log.record("notification", "a")
        reader.join(5)
        assert [event.number for event in pages[0].events] == [21]
        assert not pages[0].gap

    def test_messages_wake_a_waiting_reader(self) -> None:
        """A reader that waits for messages gets what has gathered."""
        log = EventLog("alpha")
        got: list[list[HostEvent]] = []
        reader = threading.Thread(target=lambda: got.append(log.page(EventsRequest(wait_timeout=10)).events))
        reader.start()
        log.record_message("a", "add")
        reader.join(5)
        assert [event.kind for event in got[0]] == ["message-delivered"]

    def test_a_wait_ends_in_time_or_with_the_log(self) -> None:
        """A wait in vain ends at its deadline; one on a log that is closed ends at once."""
        log = EventLog("alpha")
        assert log.page(EventsRequest(wait_timeout=0.01)).events == []
        reader = threading.Thread(target=log.page, args=(EventsRequest(wait_timeout=30),))
        reader.start()
        log.close()
        reader.join(5)
        assert not reader.is_alive()


class TestSubscriptions:
    def test_a_subscriber_gets_what_happens_from_then_on(self) -> None:
        """Without a number a subscription begins now."""
        log = EventLog("alpha")
        log.record("create", "a")
        subscription = log.subscribe()
        log.record("dispose", "a")
        assert subscription.get(1).kind == "dispose"
        assert subscription.get(0.01) is None

    def test_a_subscriber_that_reconnects_misses_nothing(self) -> None:
        """A new subscription from the old one's cursor goes on with the next event."""
        log = EventLog("alpha")
        first = log.subscribe(0)
        for number in range(5):
            log.record("create", str(number))
        assert [first.get(1).number for _ in range(2)] == [1, 2]
        first.close()
        second = log.subscribe(first.cursor)
        assert [second.get(1).number for _ in range(3)] == [3, 4, 5]

    def test_a_subscriber_is_told_of_a_gap(self) -> None:
        """One that stayed away for too long first gets the gap, then what is still held, in order."""
        log = EventLog("alpha")
        subscription = log.subscribe(0)
        log.record("create", "a")
        assert subscription.get(1).number == 1
        for _ in range(KEPT + 10):
            log.record("create", "a")
        gap = subscription.get(1)
        assert isinstance(gap, EventGap)
        assert (gap.after, gap.first_number) == (1, 12)
        assert subscription.get(1).number == 12

    def test_iteration_ends_with_the_log(self) -> None:
        """Iterating gives what is held and ends when the host does."""
        log = EventLog("alpha")
        numbers: list[int] = []
        subscription = log.subscribe(0)
        reader = threading.Thread(target=lambda: numbers.extend(event.number for event in subscription))
        reader.start()
        log.record("create", "a")
        log.record("create", "b")
        wait_until(lambda: len(numbers) == 2)
        log.close()
        reader.join(5)
        assert numbers == [1, 2]
        assert not reader.is_alive()


def test_a_reader_of_one_kind_is_not_woken_for_others() -> None:
    """A reader who waits for one kind misses none of it and is told of no gap, however much else happens."""
    log = EventLog("alpha")
    pages: list[EventPage] = []
    request = EventsRequest(0, wait_timeout=20.0, kinds=("notification",), messages=False)
    reader = threading.Thread(target=lambda: pages.append(log.page(request)), daemon=True)
    reader.start()
    wait_until(lambda: log._waiters, what="the reader waits")
    for _ in range(KEPT + 50):
        log.record("create", "a")
    assert len(log._waiters) == 1
    number = log.record("notification", "a", title="here")
    reader.join(10)
    assert [event.number for event in pages[0].events] == [number] == [KEPT + 51]
    assert not pages[0].gap


def test_a_reader_in_vain_goes_on_behind_what_was_not_for_it() -> None:
    """A page without events says up to where there were none, so that the next one has no gap."""
    log = EventLog("alpha")
    request = EventsRequest(0, wait_timeout=0.2, kinds=("notification",), messages=False)
    pages: list[EventPage] = []
    reader = threading.Thread(target=lambda: pages.append(log.page(request)), daemon=True)
    reader.start()
    wait_until(lambda: log._waiters, what="the reader waits")
    last = log.record("create", "a")
    reader.join(10)
    assert (pages[0].events, pages[0].next_since, pages[0].gap) == ([], last, False)
