"""Readers of a drain, over in-process hosts."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import anyio
import pytest

from paglets_nb import Host, OperationPaglet, PagletProxy, ServiceOperation, TaskPaglet, TaskState
from paglets_nb.errors import CursorGapError, FrameError, HostDiedError, InvalidAgentError, ServiceContractError
from paglets_nb.host.durability import Durability
from paglets_nb.patterns import CURSOR_DRAIN, CursorDrainMixin, CursorDrainState, Drain, TaskClient, drain
from paglets_nb.services.contracts import EmptyPayload
from paglets_nb.testing import wait_until


@dataclass(frozen=True)
class Amount:
    count: int = 1
    size_bytes: int = 0


APPEND = ServiceOperation("append", Amount)
TRIM = ServiceOperation("trim", Amount)
CLOSE = ServiceOperation("close")


class Log(CursorDrainMixin, OperationPaglet[CursorDrainState]):
    """Appends numbers, trims and closes."""

    Drain = CURSOR_DRAIN

    def operation_handlers(self) -> Mapping[ServiceOperation, Callable[[Any], Any]]:
        """append, trim, close."""
        return {APPEND: self.append, TRIM: self.trim, CLOSE: self.close}

    def append(self, request: Amount) -> None:
        """Append ``count`` events."""
        start = self.state.next_cursor
        payload = {"data": b"x" * request.size_bytes} if request.size_bytes else {}
        self.cursor_append_events({"n": number, **payload} for number in range(start, start + request.count))

    def trim(self, request: Amount) -> None:
        """Forget the first ``count`` events."""
        self.cursor_trim(request.count)

    def close(self, _request: EmptyPayload) -> None:
        """End the stream."""
        self.cursor_close()


@dataclass
class WorkState(TaskState):
    events: list[dict[str, Any]] = field(default_factory=list)
    next_cursor: int = 1


@dataclass(frozen=True)
class Steps:
    count: int = 0


class Work(CursorDrainMixin, TaskPaglet[Steps, Steps, WorkState]):
    """A task that goes on only as fast as its events are read."""

    Request = Steps
    Result = Steps
    Drain = CURSOR_DRAIN
    seen = threading.Semaphore(0)

    def run_task(self, request: Steps) -> Steps:
        """Append an event for each that was read."""
        for number in range(request.count):
            self.cursor_append_events([{"n": number}])
            if not Work.seen.acquire(timeout=10.0):
                raise TimeoutError("nobody reads")
        return request

    def cursor_closed(self) -> bool:
        """Once the task is done."""
        return self.state.done


@dataclass(frozen=True)
class OwnRequest:
    after_cursor: int = 0


@dataclass(frozen=True)
class OwnReply:
    events: list[dict[str, Any]] = field(default_factory=list)
    cursor: int = 0
    more: bool = False


OWN = ServiceOperation("own", OwnRequest, OwnReply)


class Own(CursorDrainMixin, OperationPaglet[CursorDrainState]):
    """Serves its events with types of its own."""

    def operation_handlers(self) -> Mapping[ServiceOperation, Callable[[Any], Any]]:
        """own, append."""
        return {OWN: self.own, APPEND: lambda request: self.cursor_append_events([{}] * request.count) and None}

    def own(self, request: OwnRequest) -> OwnReply:
        """Three events at most."""
        return OwnReply(*self.cursor_drain_events(after_cursor=request.after_cursor, limit=3))


class HostClientOf:
    """Stands for a context: something with a client."""

    def __init__(self, host: Host) -> None:
        self.client = host.client


def append(proxy: PagletProxy, count: int, size_bytes: int = 0) -> None:
    """Have a log append events."""
    proxy.send(APPEND.to_message(Amount(count, size_bytes)))


@pytest.fixture
def log(hosts: list[Host]) -> PagletProxy:
    """An empty log on the first host."""
    return hosts[0].create(Log)


def test_what_is_there_in_order(log: PagletProxy) -> None:
    """A drain that does not follow ends with the last event; none is missing and none comes twice."""
    append(log, 2500)
    reader = drain(log, follow=False, limit=100)
    assert [event["n"] for event in reader] == list(range(1, 2501))
    assert reader.cursor == 2500
    assert list(reader) == []
    append(log, 2)
    assert [event["cursor"] for event in reader] == [2501, 2502]
    assert [len(events) for events in drain(log, CURSOR_DRAIN, 2000, follow=False, limit=400).batches()] == [400, 102]
    assert [event["cursor"] for event in drain(log, "drain", 2500, follow=False)] == [2501, 2502]


def test_it_waits_for_events_and_ends_with_the_stream(log: PagletProxy) -> None:
    """A reader gets events as they are appended, at once, and ends when the stream is closed."""
    got: list[int] = []
    delays: list[float] = []

    def read() -> None:
        for event in drain(log, wait_timeout=10.0):
            got.append(event["n"])
            delays.append(time.monotonic())

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(1, 6):
        begin = time.monotonic()
        append(log, 1)
        wait_until(lambda number=number: len(got) == number)
        assert delays[-1] - begin < 2.0
    log.send(CLOSE.to_message())
    reader.join(5.0)
    assert not reader.is_alive()
    assert got == [1, 2, 3, 4, 5]


def test_concurrent_appends_and_readers(log: PagletProxy) -> None:
    """With four writers at once every reader sees every number once, in order."""
    total = 4 * 25 * 20
    seen: list[list[int]] = [[], [], []]
    readers = [
        threading.Thread(target=lambda into=into: into.extend(e["cursor"] for e in drain(log, limit=37)))
        for into in seen
    ]
    writers = [threading.Thread(target=lambda: [append(log, 20) for _ in range(25)]) for _ in range(4)]
    for thread in (*readers, *writers):
        thread.start()
    for thread in writers:
        thread.join(20.0)
    log.send(CLOSE.to_message())
    for thread in readers:
        thread.join(20.0)
    assert seen == [list(range(1, total + 1))] * 3


def test_async_readers(log: PagletProxy) -> None:
    """``async for`` reads the same events, several readers on one loop, while others append."""
    append(log, 10)

    async def read(into: list[int]) -> None:
        async for event in drain(log, limit=4):
            into.append(event["cursor"])

    async def both() -> tuple[list[int], list[int]]:
        one: list[int] = []
        two: list[int] = []
        async with anyio.create_task_group() as group:
            group.start_soon(read, one)
            group.start_soon(read, two)
            await log.send_async(APPEND.to_message(Amount(10)))
            await log.send_async(CLOSE.to_message())
        async for events in drain(log, CURSOR_DRAIN, 15, follow=False).batches_async():
            one.extend(event["cursor"] for event in events)
        return one, two

    one, two = anyio.run(both)
    assert two == list(range(1, 21))
    assert one == [*range(1, 21), *range(16, 21)]


def test_an_async_reader_can_be_cancelled(log: PagletProxy) -> None:
    """A reader that waits for events that never come ends at once when its scope is cancelled."""

    async def read() -> float:
        begin = time.monotonic()
        with anyio.move_on_after(0.1):
            async for _event in drain(log, wait_timeout=30.0):
                pass
        return time.monotonic() - begin

    assert anyio.run(read) < 5.0


def test_a_gap_is_raised_and_passed_by_hand_only(log: PagletProxy) -> None:
    """Trimmed events raise CursorGapError each time, until the reader itself goes on behind them."""
    append(log, 50)
    log.send(TRIM.to_message(Amount(20)))
    reader = drain(log, CURSOR_DRAIN, 5, follow=False)
    for _ in range(2):
        with pytest.raises(CursorGapError) as caught:
            list(reader)
        assert (caught.value.after_cursor, caught.value.first_cursor) == (5, 21)
        assert reader.cursor == 5
    reader.cursor = caught.value.first_cursor - 1
    assert [event["cursor"] for event in reader] == list(range(21, 51))


def test_a_gap_that_opens_while_reading(log: PagletProxy) -> None:
    """A reader overtaken by a trim is told, after the events it had already."""
    append(log, 50)
    reader = iter(drain(log, limit=10))
    assert [event["cursor"] for event in islice(reader, 10)] == list(range(1, 11))
    log.send(TRIM.to_message(Amount(30)))
    with pytest.raises(CursorGapError) as caught:
        next(reader)
    assert caught.value.first_cursor == 31


def test_a_killed_reader_goes_on_where_it_was(log: PagletProxy) -> None:
    """Readers that die anywhere, each followed by one behind the last event seen, miss and repeat nothing."""
    append(log, 1000)
    seen: list[int] = []
    cursor = 0
    for lifetime in (1, 7, 100, 99, 1, 300):
        for event in islice(drain(log, CURSOR_DRAIN, cursor, limit=13), lifetime):
            seen.append(event["cursor"])
            cursor = event["cursor"]
    seen += [event["cursor"] for event in drain(log, CURSOR_DRAIN, cursor, follow=False)]
    assert seen == list(range(1, 1001))


def test_a_drain_says_where_it_was(log: PagletProxy) -> None:
    """After a failure in the loop, ``cursor`` is the event that was being looked at."""
    append(log, 10)
    reader = drain(log)

    def read() -> None:
        for event in reader:
            if event["n"] == 4:
                raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        read()
    assert reader.cursor == 4
    assert next(iter(reader))["n"] == 5
    assert "after 5" in repr(reader)


def test_stop_and_timeout(log: PagletProxy) -> None:
    """It ends after the event that ``stop`` is true for, or quietly when its time is up."""
    append(log, 10)
    assert [e["n"] for e in drain(log, stop=lambda event: event["n"] == 3)] == [1, 2, 3]
    begin = time.monotonic()
    assert len(list(drain(log, timeout=0.2))) == 10
    assert time.monotonic() - begin > 0.15
    assert len(list(drain(log, timeout=0.0))) == 10


def test_it_follows_a_paglet_that_moves(hosts: list[Host], log: PagletProxy) -> None:
    """While its paglet goes to and fro, a reader that waits at the old host misses and repeats nothing."""
    alpha, beta = hosts
    reading = log.ref.resolve(HostClientOf(beta))
    got: list[int] = []
    reader = threading.Thread(target=lambda: got.extend(event["cursor"] for event in drain(reading, wait_timeout=5.0)))
    reader.start()
    for hop in range(6):
        append(log, 10)
        log.dispatch("beta" if hop % 2 == 0 else "alpha")
    append(log, 10)
    log.send(CLOSE.to_message())
    reader.join(20.0)
    assert got == list(range(1, 71))
    assert len(alpha.residents) == 1


def test_a_wait_ends_when_the_paglet_leaves(hosts: list[Host], log: PagletProxy) -> None:
    """A reader that waits at a host is sent on as soon as the paglet leaves, not when its wait ends."""
    reading = log.ref.resolve(HostClientOf(hosts[1]))
    got: list[float] = []
    condition = hosts[0].residents.require(log.agent_id).paglet.locked().changed
    reader = threading.Thread(
        target=lambda: [got.append(time.monotonic()) for _ in islice(drain(reading, wait_timeout=60.0), 1)]
    )
    reader.start()
    wait_until(lambda: condition._waiters, what="the reader waits")
    log.dispatch("beta")
    begin = time.monotonic()
    append(log, 1)
    reader.join(10.0)
    assert got
    assert got[0] - begin < 3.0


def test_disposal_and_death_are_errors(hosts: list[Host], log: PagletProxy) -> None:
    """A reader of a paglet that ends gets InvalidAgentError, of a host that ends HostDiedError; never silence."""
    outcome: list[BaseException] = []

    def read(reader: Drain) -> None:
        try:
            list(reader)
        except Exception as error:
            outcome.append(error)

    thread = threading.Thread(target=read, args=(drain(log, wait_timeout=30.0),))
    thread.start()
    log.dispose()
    thread.join(10.0)
    assert isinstance(outcome.pop(), InvalidAgentError)
    other = hosts[1].create(Log).ref.resolve(HostClientOf(hosts[0]))
    hosts[1].stop()
    read(drain(other))
    assert isinstance(outcome.pop(), HostDiedError)


def test_a_host_that_is_gone_is_asked_again(log: PagletProxy) -> None:
    """With ``retry_timeout`` a drain outlives requests that find the host gone, and goes on at its cursor."""
    append(log, 20)

    class Flaky:
        """Fails every second call as a dead host does."""

        def __init__(self, client: Any) -> None:
            self.client, self.calls = client, 0

        def call_typed(self, *arguments: Any) -> Any:
            self.calls += 1
            if self.calls % 2:
                raise HostDiedError("alpha")
            return self.client.call_typed(*arguments)

    flaky = Flaky(log.client)
    proxy = PagletProxy(log.host_url, log.agent_id, flaky)  # type: ignore[arg-type]
    with pytest.raises(HostDiedError):
        list(drain(proxy, follow=False))
    assert [e["cursor"] for e in drain(proxy, follow=False, limit=4, retry_timeout=5.0)] == list(range(1, 21))


def test_a_reader_ahead_of_its_paglet_is_told(log: PagletProxy) -> None:
    """A paglet that lost events which a reader has seen is a gap, not a silence."""
    append(log, 3)
    with pytest.raises(CursorGapError):
        list(drain(log, CURSOR_DRAIN, 10, follow=False))


def test_more_than_a_frame_holds_is_asked_for_in_parts(log: PagletProxy) -> None:
    """Where the events of one reply would not fit a frame, fewer are asked for."""
    append(log, 40)

    class Narrow:
        """Refuses replies of more than ten events."""

        def __init__(self, client: Any) -> None:
            self.client = client

        def call_typed(self, *arguments: Any) -> Any:
            reply = self.client.call_typed(*arguments)
            if len(reply.events) > 10:
                raise FrameError("too long")
            return reply

    proxy = PagletProxy(log.host_url, log.agent_id, Narrow(log.client))  # type: ignore[arg-type]
    assert [e["cursor"] for e in drain(proxy, follow=False)] == list(range(1, 41))


def test_binary_events(log: PagletProxy) -> None:
    """Events carry bytes, large ones too."""
    append(log, 3, 100_000)
    assert [len(event["data"]) for event in drain(log, follow=False)] == [100_000] * 3


def test_events_of_a_running_task_are_live(hosts: list[Host]) -> None:
    """A task's events are read while run_task runs, and the drain ends with the task."""
    proxy = hosts[0].create(Work)
    handle = TaskClient.for_paglet(proxy, Work).submit(Steps(20))
    got = []
    for event in drain(proxy, timeout=20.0):
        got.append(event["n"])
        Work.seen.release()
    assert got == list(range(20))
    assert handle.result(5.0) == Steps(20)


class DurableLog(Log):
    """Its events are stored before each reply."""

    durability = "message"


def test_a_durable_log_is_read_without_being_stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Draining stores nothing, and what was drained is there, with its numbers, when the host starts again."""
    stored: list[str] = []
    apply = Durability.apply

    def counted(self: Durability, resident: Any, message_id: str, reply: Any) -> None:
        stored.append(message_id)
        apply(self, resident, message_id, reply)

    monkeypatch.setattr(Durability, "apply", counted)
    with Host("alpha", data_dir=tmp_path) as host:
        proxy = host.create(DurableLog, name="log")
        for _ in range(3):
            append(proxy, 5)
        seen = list(drain(proxy, follow=False, limit=4))
        assert [event["cursor"] for event in seen] == list(range(1, 16))
        assert len(stored) == 3
    with Host("alpha", data_dir=tmp_path) as host:
        again = wait_until(lambda: host.get_proxy("log"))
        assert list(drain(again, follow=False)) == seen
        append(again, 1)
        assert [event["cursor"] for event in drain(again, CURSOR_DRAIN, 15, follow=False)] == [16]


def test_no_event_is_read_before_it_is_stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the message that appended events is being stored, a drain waits."""
    storing, go_on = threading.Event(), threading.Event()
    apply = Durability.apply

    def slow(self: Durability, resident: Any, message_id: str, reply: Any) -> None:
        storing.set()
        assert go_on.wait(10.0)
        apply(self, resident, message_id, reply)

    monkeypatch.setattr(Durability, "apply", slow)
    with Host("alpha", data_dir=tmp_path) as host:
        proxy = host.create(DurableLog)
        got: list[int] = []
        writer = threading.Thread(target=append, args=(proxy, 2))
        writer.start()
        assert storing.wait(10.0)
        reader = threading.Thread(target=lambda: got.extend(e["cursor"] for e in drain(proxy, follow=False)))
        reader.start()
        resident = host.residents.require(proxy.agent_id)
        wait_until(lambda: resident.mailbox.waiting() == 1, what="the drain waits")
        assert got == []
        go_on.set()
        reader.join(10.0)
        writer.join(10.0)
        assert got == [1, 2]


def test_an_operation_with_types_of_its_own(hosts: list[Host]) -> None:
    """Any operation with a cursor in its request and events in its reply can be drained."""
    proxy = hosts[0].create(Own)
    append(proxy, 10)
    assert [event["cursor"] for event in drain(proxy, OWN, follow=False)] == list(range(1, 11))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"proxy": 5}, "wanted a paglet's proxy, got 5"),
        ({"operation": 5}, "wanted a drain operation or its name, got 5"),
        ({"after_cursor": "3"}, "after_cursor wants a whole number, got '3'"),
        ({"limit": None}, "limit wants a whole number, got None"),
        ({"timeout": "x"}, "timeout wants seconds as a number, got 'x'"),
        ({"wait_timeout": None}, "wait_timeout wants seconds as a number, got None"),
    ],
)
def test_wrong_arguments_are_told_at_once(log: PagletProxy, arguments: dict[str, Any], said: str) -> None:
    """Before anything is iterated over."""
    with pytest.raises(ServiceContractError, match=said):
        drain(**{"proxy": log, **arguments})
