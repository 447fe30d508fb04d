"""Numbered events at the paglet, without a host."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paglets_nb import Message, OperationPaglet, Paglet, PagletState, ServiceOperation, TaskPaglet, TaskState
from paglets_nb.errors import CursorGapError, LifecycleError, NotHandledError
from paglets_nb.patterns import CURSOR_DRAIN, CursorDrainMixin, CursorDrainReply, CursorDrainRequest, CursorDrainState


@dataclass
class BareState(PagletState):
    events: list[dict[str, Any]] = field(default_factory=list)
    next_cursor: int = 1


class Log(CursorDrainMixin, OperationPaglet[CursorDrainState]):
    Drain = CURSOR_DRAIN


class Bare(CursorDrainMixin, Paglet[BareState]):
    pass


class Short(Log):
    cursor_max_events = 10


HANDLED = ServiceOperation("fetch", CursorDrainRequest, CursorDrainReply)


class Handled(CursorDrainMixin, OperationPaglet[CursorDrainState]):
    def operation_handlers(self) -> Mapping[ServiceOperation, Callable[[Any], Any]]:
        """fetch."""
        return {HANDLED: self.cursor_drain}


@dataclass
class JobState(TaskState):
    events: list[dict[str, Any]] = field(default_factory=list)
    next_cursor: int = 1


class Job(CursorDrainMixin, TaskPaglet[CursorDrainRequest, CursorDrainReply, JobState]):
    Request = CursorDrainRequest
    Result = CursorDrainReply
    Drain = CURSOR_DRAIN

    def cursor_closed(self) -> bool:
        """Once the task is done."""
        return self.state.done


class Counted(list[dict[str, Any]]):
    """A list that refuses to be walked through and counts what is taken from it."""

    taken = 0

    def __iter__(self) -> Any:
        raise AssertionError("the backlog was scanned")

    def __getitem__(self, index: Any) -> Any:
        found = super().__getitem__(index)
        self.taken += len(found) if isinstance(index, slice) else 1
        return found


def filled(count: int, cls: type[Log] = Log) -> Log:
    """A log with events numbered from 1."""
    log = cls()
    log.cursor_append_events({"n": number} for number in range(1, count + 1))
    return log


def numbers(events: list[dict[str, Any]]) -> list[int]:
    """Their cursors."""
    return [event["cursor"] for event in events]


def test_append_numbers_copies() -> None:
    """Events are numbered from next_cursor up, as copies, and the last number is returned."""
    log = Bare(BareState(next_cursor=5))
    event = {"text": "a", "cursor": 99}
    assert log.cursor_append_events([event, {"text": "b"}]) == 6
    assert log.state.events == [{"text": "a", "cursor": 5}, {"text": "b", "cursor": 6}]
    assert log.state.next_cursor == 7
    assert event == {"text": "a", "cursor": 99}
    assert log.cursor_append_events([]) == 6
    assert Bare().cursor_append_events([]) == 0


def test_drain_returns_what_follows_the_cursor() -> None:
    """A drain gives at most limit events behind the cursor, the last one's number, and whether more are left."""
    log = filled(5)
    assert log.cursor_drain_events(after_cursor=0, limit=2) == (
        [{"n": 1, "cursor": 1}, {"n": 2, "cursor": 2}],
        2,
        True,
    )
    events, cursor, more = log.cursor_drain_events(after_cursor=2, limit=3)
    assert (numbers(events), cursor, more) == ([3, 4, 5], 5, False)
    assert log.cursor_drain_events(after_cursor=5, limit=3) == ([], 5, False)
    assert log.cursor_drain_events(after_cursor=77, limit=3) == ([], 77, False)
    assert Log().cursor_drain_events(after_cursor=0, limit=3) == ([], 0, False)
    for limit in (0, -4):
        assert numbers(log.cursor_drain_events(after_cursor=0, limit=limit)[0]) == [1]
    assert numbers(log.cursor_drain_events(after_cursor=-3, limit=2)[0]) == [1, 2]


def test_a_drain_takes_only_what_it_returns() -> None:
    """With a million events held, a drain touches the events it returns and no other."""
    log = Log()
    log.state.events = Counted({"cursor": number} for number in range(1, 1_000_001))
    log.state.next_cursor = 1_000_001
    held = log.state.events
    assert isinstance(held, Counted)
    for after in (0, 500_000, 999_900, 1_000_000):
        held.taken = 0
        reply = log.cursor_drain(CursorDrainRequest(after, 100, 0.0))
        assert held.taken <= len(reply.events) + 4
    assert log.cursor_drain(CursorDrainRequest(999_900, 100)).cursor == 1_000_000


def test_a_million_events_behind_change_nothing() -> None:
    """Draining the last thousand events takes as long behind a million as behind a thousand."""

    def cost(log: Log) -> float:
        after = log.state.next_cursor - 1001
        times = []
        for _ in range(40):
            begin = time.perf_counter()
            log.cursor_drain(CursorDrainRequest(after, 1000))
            times.append(time.perf_counter() - begin)
        return min(times)

    assert cost(filled(1_001_000)) < 5 * cost(filled(2_000)) + 1e-4


def test_trimmed_events_are_a_gap() -> None:
    """Asking for trimmed events raises CursorGapError with the first cursor held; the rest is served."""
    log = filled(100)
    assert log.cursor_trim(40) == 40
    assert log.cursor_first() == 41
    with pytest.raises(CursorGapError) as caught:
        log.cursor_drain_events(after_cursor=39, limit=10)
    assert (caught.value.after_cursor, caught.value.first_cursor) == (39, 41)
    assert numbers(log.cursor_drain_events(after_cursor=40, limit=2)[0]) == [41, 42]
    assert log.cursor_trim(40) == 0
    assert log.cursor_trim(7) == 0
    assert log.cursor_retain(10) == 50
    assert numbers(log.state.events) == list(range(91, 101))
    assert log.cursor_trim(10_000) == 10
    assert (log.state.events, log.cursor_first()) == ([], 101)
    with pytest.raises(CursorGapError):
        log.cursor_drain_events(after_cursor=99, limit=1)
    assert log.cursor_drain_events(after_cursor=100, limit=1) == ([], 100, False)
    assert log.cursor_append_events([{}]) == 101
    assert log.cursor_retain(-3) == 1


def test_retention_by_class() -> None:
    """``cursor_max_events`` holds the newest events and no more."""
    log = filled(25, Short)
    assert numbers(log.state.events) == list(range(16, 26))
    for _ in range(30):
        log.cursor_append_events([{}])
    assert len(log.state.events) == 10
    assert log.cursor_first() == 46


def test_trimming_one_by_one_moves_the_list_seldom() -> None:
    """Trimmed one at a time, a long list is moved up a few times only, and never serves what was trimmed."""
    moves = 0

    class Moved(list[dict[str, Any]]):
        def __delitem__(self, index: Any) -> None:
            nonlocal moves
            moves += 1
            super().__delitem__(index)

    log = Log()
    log.state.events = Moved({"cursor": number} for number in range(1, 100_001))
    log.state.next_cursor = 100_001
    for number in range(1, 20_001):
        assert log.cursor_trim(number) == 1
        assert log.cursor_first() == number + 1
        with pytest.raises(CursorGapError):
            log.cursor_drain_events(after_cursor=number - 1, limit=1)
        assert log.cursor_drain_events(after_cursor=number, limit=1)[0][0]["cursor"] == number + 1
    assert 1 <= moves <= 20
    assert len(log.state.events) <= 80_000 * 65 // 64 + 1


def test_marks_do_not_outlive_their_events() -> None:
    """A state whose events are begun anew is served from its first event."""
    log = filled(100_000)
    log.cursor_trim(3)
    assert (len(log.state.events), log.cursor_first()) == (100_000, 4)
    log.state.events, log.state.next_cursor = [], 1
    log.cursor_append_events([{}, {}, {}])
    assert numbers(log.cursor_drain_events(after_cursor=0, limit=9)[0]) == [1, 2, 3]


@given(st.lists(st.tuples(st.sampled_from("atrd"), st.integers(0, 12), st.integers(0, 5)), max_size=40))
def test_drains_agree_with_a_plain_model(steps: list[tuple[str, int, int]]) -> None:
    """Whatever the order of appends, trims and drains: what is returned is what a scan would return."""
    log, model, last = Log(), [], 0
    first = 1
    for step, number, limit in steps:
        if step == "a":
            assert log.cursor_append_events([{}] * number) == last + number
            model += range(last + 1, last + number + 1)
            last += number
        elif step in "tr":
            first = max(first, min(number + 1, last + 1) if step == "t" else last + 1 - number)
            assert (log.cursor_trim(number) if step == "t" else log.cursor_retain(number)) >= 0
            model = [held for held in model if held >= first]
        elif number + 1 < first:
            with pytest.raises(CursorGapError) as caught:
                log.cursor_drain_events(after_cursor=number, limit=limit)
            assert caught.value.first_cursor == first
        else:
            behind = [held for held in model if held > number]
            events, cursor, more = log.cursor_drain_events(after_cursor=number, limit=limit)
            assert numbers(events) == behind[: max(1, limit)]
            assert cursor == (events[-1]["cursor"] if events else number)
            assert more == (len(behind) > len(events))
        assert log.cursor_first() == first


def test_wait_ends_with_an_event() -> None:
    """``cursor_wait`` is true as soon as an event follows the cursor, and false when none came in time."""
    log = filled(3)
    assert log.cursor_wait(2, 5.0) is True
    assert log.cursor_wait(3, 0.01) is False
    found: list[bool] = []
    waiter = threading.Thread(target=lambda: found.append(log.cursor_wait(4, 10.0)))
    waiter.start()
    log.cursor_append_events([{}])
    assert waiter.is_alive()
    log.cursor_append_events([{}])
    waiter.join(5.0)
    assert found == [True]


def test_a_closed_stream_says_so_at_its_end_only() -> None:
    """The reply is closed once the last event is in it; nothing is appended any more, and waits end."""
    log = filled(3)
    log.cursor_close()
    assert log.cursor_drain(CursorDrainRequest(0, 2, 5.0)).closed is False
    reply = log.cursor_drain(CursorDrainRequest(2, 2, 5.0))
    assert (numbers(reply.events), reply.more, reply.closed, reply.last_cursor) == ([3], False, True, 3)
    assert log.cursor_drain(CursorDrainRequest(3, 2, 5.0)).closed is True
    with pytest.raises(LifecycleError, match="closed its events"):
        log.cursor_append_events([{}])
    with pytest.raises(LifecycleError, match="BareState has no field events_closed"):
        Bare().cursor_close()


def test_a_task_closes_its_stream_by_being_done() -> None:
    """``cursor_closed`` may be told by something else in the state."""
    job = Job()
    job.cursor_append_events([{}])
    assert job.cursor_drain(CursorDrainRequest()).closed is False
    job.complete_task(CursorDrainReply())
    assert job.cursor_drain(CursorDrainRequest()).closed is True


def test_one_line_serves() -> None:
    """``Drain = CURSOR_DRAIN`` serves the operation, without the turn, and names it among the operations."""
    log = filled(2)
    reply = log.handle_message(Message("drain", CursorDrainRequest(1)))
    assert (numbers(reply.events), reply.first_cursor) == ([2], 1)
    assert "drain" in Log.interleaved_kinds
    assert log.operation_names() == ["drain"]
    assert log.operations() == [CURSOR_DRAIN]
    assert Job.interleaved_kinds == {"drain", "status", "wait", "cancel"}
    assert "drain" in Job().operation_names()
    with pytest.raises(NotHandledError):
        log.handle_message(Message("other"))


def test_without_the_line_it_is_a_handler() -> None:
    """``cursor_drain`` can be one of an OperationPaglet's handlers; nothing else is served then."""
    paglet = Handled()
    paglet.cursor_append_events([{"n": 1}])
    assert paglet.handle_message(Message("fetch", CursorDrainRequest()))["events"] == [{"n": 1, "cursor": 1}]
    assert paglet.operation_names() == ["fetch"]
    assert Bare().operations() == []
    with pytest.raises(NotHandledError):
        Bare().handle_message(Message("drain", CursorDrainRequest()))


def test_a_paglet_that_has_left_neither_takes_nor_gives_events() -> None:
    """What runs on at the old host appends nothing, and a reader there is given nothing that may be stale."""
    log = filled(3)
    log._ended = True
    with pytest.raises(LifecycleError, match="has left or ended"):
        log.cursor_append_events([{}])
    reply = log.cursor_drain(CursorDrainRequest(1, 10, 5.0))
    assert (reply.events, reply.cursor, reply.more, reply.closed) == ([], 1, False, False)
