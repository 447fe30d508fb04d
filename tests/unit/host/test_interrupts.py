"""What runs for a paglet is found and interrupted."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import anyio
import pytest

from paglets_nb import Host, OperationClient, OperationPaglet, PagletState, ServiceOperation, TaskPaglet, TaskState
from paglets_nb.core.interrupts import HandlerInterrupt
from paglets_nb.errors import HandlerInterruptedError
from paglets_nb.host.interrupts import INTERRUPT_VERB, RUNNING_VERB, InterruptRequest, Running
from paglets_nb.host.protocol import Nothing
from paglets_nb.patterns.task_client import TaskClient
from paglets_nb.patterns.tasks import TaskStatus
from paglets_nb.testing import in_process_mesh, wait_until


@dataclass(frozen=True)
class Spin:
    """What to be busy with."""

    how: str = "python"


@dataclass(frozen=True)
class Spun:
    """How it ended."""

    how: str = ""


SPIN = ServiceOperation("spin", Spin, Spun)
LOOK = ServiceOperation("look", Spin, Spun)


@dataclass
class Log(PagletState):
    """What happened."""

    seen: list[str] = field(default_factory=list)


def busy(stop: threading.Event) -> None:
    """Turn round and round, and pass over every error."""
    while not stop.is_set():
        try:
            sum(range(10))
        except Exception:
            continue


STOP = threading.Event()
BEGUN = threading.Event()


def begun(proxy: Any, how: str) -> Any:
    """Wait until a paglet is busy; what runs."""
    if how == "async":
        assert BEGUN.wait(5)
    return wait_until(lambda: ask(proxy).runs)


class Spinner(OperationPaglet[Log]):
    """Is busy in one way or the other."""

    def operation_handlers(self) -> Mapping[ServiceOperation, Callable[[Any], Any]]:
        """spin and look."""
        return {SPIN: self.spin, LOOK: self.look}

    def look(self, request: Spin) -> Spun:
        """Answer at once."""
        return Spun("here")

    def spin(self, request: Spin) -> Any:
        """Be busy."""
        if request.how == "async":
            return self.sleep_long()
        try:
            if request.how == "python":
                busy(STOP)
            elif request.how == "wait":
                self.wait_state(STOP.is_set, 60)
            elif request.how == "locked":
                with self.locked():
                    busy(STOP)
        except HandlerInterrupt:
            self.state.seen.append("interrupted")
            raise
        return Spun("by itself")

    async def sleep_long(self) -> Spun:
        """Be busy on the loop."""
        BEGUN.set()
        await anyio.sleep(60)
        return Spun("by itself")


class Active(Spinner):
    """Busy by itself."""

    def run(self) -> None:
        """Be busy."""
        busy(STOP)


class Kept(Spinner):
    """A durable one."""

    durability = "message"


class Task(TaskPaglet[Spin, Spun, TaskState]):
    """The same as a task that does not look whether it is cancelled."""

    Request, Result = Spin, Spun

    def run_task(self, request: Spin) -> Any:
        """Be busy."""
        if request.how == "async":
            return self.sleep_long()
        if request.how == "later":
            return None
        busy(STOP)
        return Spun("by itself")

    async def sleep_long(self) -> Spun:
        """Be busy on the loop."""
        BEGUN.set()
        await anyio.sleep(60)
        return Spun("by itself")


@pytest.fixture
def alpha() -> Iterator[Host]:
    """A host; what is busy there ends with the test."""
    STOP.clear()
    BEGUN.clear()
    with in_process_mesh(["alpha"]) as hosts:
        yield hosts[0]
        STOP.set()


def ask(proxy: Any, verb: str = RUNNING_VERB, keys: list[str] | None = None) -> Running:
    """Ask the host what runs for a paglet, or to interrupt it."""
    request: Any = Nothing() if verb == RUNNING_VERB else InterruptRequest(keys or [])
    found: Running = proxy.client.ask(proxy.host_url, verb, request, Running, timeout=5, target=proxy.agent_id)
    return found


@pytest.mark.parametrize("how", ["python", "wait", "locked", "async"])
def test_a_handler_is_found_and_interrupted(alpha: Host, how: str) -> None:
    """In a loop, in a wait, with the state locked, on the loop: the caller is told, and the paglet serves on."""
    proxy = alpha.create(Spinner)
    client = OperationClient(proxy)
    assert ask(proxy).runs == []
    reply = client.submit(SPIN, Spin(how))
    (run,) = begun(proxy, how)
    if how != "async":
        assert run.what == "spin"
        assert run.where.startswith("test_interrupts.py:")
    assert [done.key for done in ask(proxy, INTERRUPT_VERB).runs] == [run.key]
    with pytest.raises(HandlerInterruptedError, match=r"Spinner \w+ was interrupted by a cancel"):
        reply.get_reply(5)
    assert ask(proxy).runs == []
    assert client.call(LOOK, Spin(), timeout=5) == Spun("here")
    assert alpha.get_state(proxy.agent_id).seen == ([] if how == "async" else ["interrupted"])


def test_a_blocking_call_is_interrupted_too(alpha: Host) -> None:
    """Also one on the shortest way, in the thread of its connection, which serves on."""
    proxy = alpha.create(Spinner)
    client = OperationClient(proxy)
    client.call(LOOK, Spin())
    errors: list[BaseException] = []

    def call() -> None:
        try:
            client.call(SPIN, Spin())
        except HandlerInterruptedError as error:
            errors.append(error)

    for _ in range(2):  # the second finds its header known
        calling = threading.Thread(target=call)
        calling.start()
        wait_until(lambda: ask(proxy).runs)
        ask(proxy, INTERRUPT_VERB)
        calling.join(5)
    assert len(errors) == 2


def test_only_what_is_meant_is_interrupted(alpha: Host) -> None:
    """Neither another paglet, nor a handler that came after the one that is named by its key."""
    one, other = alpha.create(Spinner), alpha.create(Spinner)
    first, beside = (OperationClient(proxy).submit(SPIN, Spin()) for proxy in (one, other))
    (run,) = wait_until(lambda: ask(one).runs)
    wait_until(lambda: ask(other).runs)
    second = OperationClient(one).submit(SPIN, Spin())
    ask(one, INTERRUPT_VERB, [run.key])
    with pytest.raises(HandlerInterruptedError):
        first.get_reply(5)
    wait_until(lambda: ask(one).runs)
    assert ask(one, INTERRUPT_VERB, [run.key]).runs == []
    STOP.set()
    assert [reply.get_reply(5) for reply in (second, beside)] == [Spun("by itself")] * 2


def test_run_is_interrupted(alpha: Host) -> None:
    """A paglet's own activity too, and the log of events has it."""
    proxy = alpha.create(Active)
    (run,) = wait_until(lambda: ask(proxy).runs)
    assert run.what == "run"
    ask(proxy, INTERRUPT_VERB)
    wait_until(lambda: not ask(proxy).runs)
    wait_until(lambda: any("HandlerInterrupt" in str(event.details) for event in alpha.list_events()))


@pytest.mark.parametrize("how", ["python", "async", "later"])
def test_an_interrupted_task_is_cancelled(alpha: Host, how: str) -> None:
    """In its state, for whoever waits for it, and also where nothing of it ran any more; it can be started again."""
    client = TaskClient.for_paglet(alpha.create(Task), Task)
    handle = client.submit(Spin(how))
    wait_until(lambda: handle.snapshot().status is TaskStatus.RUNNING)
    if how != "later":
        begun(client.proxy, how)
    deadline = time.monotonic() + 5
    while not handle.snapshot().done and time.monotonic() < deadline:
        ask(client.proxy, INTERRUPT_VERB)
    snapshot = handle.wait(5)
    assert snapshot.status is TaskStatus.CANCELLED
    assert "interrupted by a cancel" in snapshot.error
    STOP.set()
    assert client.start(Spin(), timeout=5).status is TaskStatus.COMPLETED


def test_waiting_for_a_task_is_not_its_work(alpha: Host) -> None:
    """Status and wait are nothing that is interrupted."""
    client = TaskClient.for_paglet(alpha.create(Task), Task)
    client.submit(Spin("later"))
    wait_until(lambda: client.status().status is TaskStatus.RUNNING)
    waiting = threading.Thread(target=lambda: client.wait(wait_timeout=5))
    waiting.start()
    assert ask(client.proxy).runs == []
    ask(client.proxy, INTERRUPT_VERB)
    waiting.join(5)
    assert client.status().done


def test_who_lives_there_too(alpha: Host) -> None:
    """The neighbours are told with how durable they are, without the paglet itself."""
    proxy = alpha.create(Spinner, name="me")
    alpha.create(Spinner, name="other")
    alpha.create(Kept, name="kept")
    found = ask(proxy)
    assert [(n.name, n.durability) for n in found.neighbours] == [("other", "memory"), ("kept", "message")]
    assert (found.host_name, found.host_url) == ("alpha", alpha.address)
