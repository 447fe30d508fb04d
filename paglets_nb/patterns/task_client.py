"""The caller's side of a task: start it, watch it, wait for it, cancel it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from paglets_nb.core.messages import FutureReply
from paglets_nb.core.ports import codec
from paglets_nb.core.proxy import PagletProxy
from paglets_nb.core.turns import current_origin
from paglets_nb.errors import (
    CallTimeoutError,
    HandlerInterruptedError,
    PagletError,
    RemoteHostError,
    ServiceContractError,
    TaskCancelledError,
)
from paglets_nb.patterns.tasks import (
    TASK_CANCEL,
    TASK_START,
    TASK_STATUS,
    TASK_WAIT,
    TaskPaglet,
    TaskStartRequest,
    TaskStatus,
    TaskStatusReply,
    TaskWaitRequest,
)
from paglets_nb.services.contracts import ServiceOperation

__all__ = ["TaskClient", "TaskHandle", "TaskSnapshot"]

ResultT = TypeVar("ResultT")
LONGEST_TASK = 7 * 86_400.0
"""Seconds for which the reply of a started task is waited for."""
_BESIDE = 0
"""Priority of what is asked while the start is under way: a task that moves meanwhile is followed at once."""
_POLL = 5.0
_GRACE = 30.0


@dataclass(frozen=True)
class TaskSnapshot(Generic[ResultT]):
    """Where a task stood when it was asked.

    Attributes:
        result: the typed result once completed, else None.
        started_at: POSIX seconds.
        completed_at: POSIX seconds.
        progress: 0 to 1.
    """

    status: TaskStatus
    done: bool
    result: ResultT | None
    error: str
    started_at: float
    completed_at: float
    agent_id: str
    host_name: str
    host_url: str
    progress: float = 0.0
    note: str = ""
    traceback: str = ""
    cancelling: bool = False

    @classmethod
    def from_reply(cls, reply: TaskStatusReply, result_type: type[ResultT]) -> TaskSnapshot[ResultT]:
        """The snapshot of a status reply."""
        completed = reply.done and reply.status is TaskStatus.COMPLETED
        return cls(
            reply.status,
            reply.done,
            codec().from_wire(result_type, reply.result) if completed else None,
            reply.error,
            reply.started_at,
            reply.completed_at,
            reply.agent_id,
            reply.host_name,
            reply.host_url,
            reply.progress,
            reply.note,
            reply.traceback,
            reply.cancelling,
        )

    def to_wire(self) -> dict[str, Any]:
        """The wire form; the result as a dict."""
        return codec().to_wire(self)


class TaskClient(Generic[ResultT]):
    """Starts and watches one task.

    Args:
        proxy: the task's proxy; replaced when the task says that it moved.
        request_type: the dataclass of its request.
        result_type: the dataclass of its result.
    """

    def __init__(self, proxy: PagletProxy, request_type: type, result_type: type[ResultT]) -> None:
        if not isinstance(proxy, PagletProxy):
            raise ServiceContractError(f"wanted a task's proxy, got {proxy!r}; mesh.paglet(name) finds one")
        self.proxy = proxy
        self.request_type = request_type
        self.result_type = result_type

    @classmethod
    def for_paglet(cls, proxy: PagletProxy, paglet_cls: type[TaskPaglet[Any, Any, Any]]) -> TaskClient[Any]:
        """A client with the types of a task's class; ServiceContractError for a class of another kind."""
        if not (isinstance(paglet_cls, type) and issubclass(paglet_cls, TaskPaglet)):
            raise ServiceContractError(f"wanted a class of tasks (a subclass of TaskPaglet), got {paglet_cls!r}")
        return cls(proxy, paglet_cls.request_class(), paglet_cls.result_class())

    def _start_message(self, request: Any) -> Any:
        checked = ServiceOperation(TASK_START.name, self.request_type, self.request_type).encode_request(request)
        return TASK_START.to_message(TaskStartRequest(checked))

    def _snapshot(self, payload: Any) -> TaskSnapshot[ResultT] | None:
        """The snapshot in a reply; None when it says instead where the task went."""
        if isinstance(payload, dict) and "status" not in payload and "agent_id" in payload:
            self.proxy = PagletProxy(
                payload["host_url"],
                payload["agent_id"],
                self.proxy.client,
                name=self.proxy.name,
                class_name=self.proxy.class_name,
            )
            return None
        return TaskSnapshot.from_reply(TASK_STATUS.decode_reply(payload), self.result_type)

    def start(self, request: Any = None, *, timeout: float | None = None) -> TaskSnapshot[ResultT]:
        """Start and block until ``run_task`` has returned; follows a task that moves."""
        limit = LONGEST_TASK if timeout is None else timeout
        snapshot = self._snapshot(self.proxy.send(self._start_message(request), timeout=limit))
        return self.status(timeout=timeout) if snapshot is None else snapshot

    def status(self, *, timeout: float | None = None) -> TaskSnapshot[ResultT]:
        """Where the task stands now, also while it runs."""
        reply = self.proxy.send(TASK_STATUS.to_message(priority=_BESIDE), timeout=timeout, reply_type=TaskStatusReply)
        return TaskSnapshot.from_reply(reply, self.result_type)

    def wait(self, *, wait_timeout: float = 0.5, timeout: float | None = None) -> TaskSnapshot[ResultT]:
        """Wait up to ``wait_timeout`` seconds for the task to be done."""
        limit = wait_timeout + _GRACE if timeout is None else timeout
        message = TASK_WAIT.to_message(TaskWaitRequest(wait_timeout), priority=_BESIDE)
        reply = self.proxy.send(message, timeout=limit, reply_type=TaskStatusReply)
        return TaskSnapshot.from_reply(reply, self.result_type)

    def cancel(self, *, timeout: float | None = None) -> TaskSnapshot[ResultT]:
        """Ask the task to stop; it does at its next ``check_cancelled``."""
        reply = self.proxy.send(TASK_CANCEL.to_message(priority=_BESIDE), timeout=timeout, reply_type=TaskStatusReply)
        return TaskSnapshot.from_reply(reply, self.result_type)

    def start_and_wait(
        self, request: Any = None, *, wait_timeout: float = 0.5, timeout: float | None = None
    ) -> TaskSnapshot[ResultT]:
        """Start, and wait once where it did not come back done."""
        snapshot = self.start(request, timeout=timeout)
        return snapshot if snapshot.done else self.wait(wait_timeout=wait_timeout, timeout=timeout)

    def submit(self, request: Any = None) -> TaskHandle[ResultT]:
        """Start and return at once."""
        return TaskHandle(
            self, self.proxy.send_future(self._start_message(request), timeout=LONGEST_TASK), current_origin()
        )

    def handle(self) -> TaskHandle[ResultT]:
        """A handle of the task as it is, whoever started it."""
        return TaskHandle(self)

    async def start_async(self, request: Any = None, *, timeout: float | None = None) -> TaskSnapshot[ResultT]:
        """``start``, awaited."""
        limit = LONGEST_TASK if timeout is None else timeout
        snapshot = self._snapshot(await self.proxy.send_future(self._start_message(request), timeout=limit))
        return await self.status_async(timeout=timeout) if snapshot is None else snapshot

    async def status_async(self, *, timeout: float | None = None) -> TaskSnapshot[ResultT]:
        """``status``, awaited."""
        reply = await self.proxy.send_async(
            TASK_STATUS.to_message(priority=_BESIDE), timeout=timeout, reply_type=TaskStatusReply
        )
        return TaskSnapshot.from_reply(reply, self.result_type)

    async def wait_async(self, *, wait_timeout: float = 0.5, timeout: float | None = None) -> TaskSnapshot[ResultT]:
        """``wait``, awaited."""
        limit = wait_timeout + _GRACE if timeout is None else timeout
        message = TASK_WAIT.to_message(TaskWaitRequest(wait_timeout), priority=_BESIDE)
        reply = await self.proxy.send_async(message, timeout=limit, reply_type=TaskStatusReply)
        return TaskSnapshot.from_reply(reply, self.result_type)

    async def cancel_async(self, *, timeout: float | None = None) -> TaskSnapshot[ResultT]:
        """``cancel``, awaited."""
        reply = await self.proxy.send_async(
            TASK_CANCEL.to_message(priority=_BESIDE), timeout=timeout, reply_type=TaskStatusReply
        )
        return TaskSnapshot.from_reply(reply, self.result_type)


class TaskHandle(Generic[ResultT]):
    """A task that was started; ask it, wait for it, await it, cancel it.

    Args:
        client: the task's client.
        started: the reply to its start; None for a task that somebody else started.
        cell: the id of the notebook cell that started it; empty for none.
    """

    def __init__(self, client: TaskClient[ResultT], started: FutureReply | None = None, cell: str = "") -> None:
        self.client = client
        self.cell = cell
        self._started = started
        self._last: TaskSnapshot[ResultT] | None = None
        self._followed = started is None

    @property
    def proxy(self) -> PagletProxy:
        """The task's proxy."""
        return self.client.proxy

    def _settled(self) -> TaskSnapshot[ResultT] | None:
        """The final snapshot where it is known here; raises what the start raised."""
        if self._last is not None and self._last.done:
            return self._last
        if self._started is not None and self._started.is_available() and not self._followed:
            try:
                snapshot = self.client._snapshot(self._started.get_reply())
            except HandlerInterruptedError:  # how the task ended then is in its state
                snapshot = None
            self._followed = True
            if snapshot is not None and snapshot.done:
                self._last = snapshot
                return snapshot
        return None

    def snapshot(self, *, timeout: float | None = None) -> TaskSnapshot[ResultT]:
        """Where the task stands now."""
        settled = self._settled()
        return self.client.status(timeout=timeout) if settled is None else settled

    def done(self) -> bool:
        """Whether the task is known to be done; asks nobody."""
        try:
            return self._settled() is not None
        except PagletError:
            return True

    def wait(self, timeout: float | None = None) -> TaskSnapshot[ResultT]:
        """Wait until the task is done, or ``timeout`` seconds; the snapshot of that moment."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            settled = self._settled()
            if settled is not None:
                return settled
            left = _POLL if deadline is None else min(_POLL, deadline - time.monotonic())
            if left <= 0:
                return self.snapshot()
            if self._followed or self._started is None:
                self._last = self.client.wait(wait_timeout=left)
            else:
                self._started.wait_for_reply(left)

    def result(self, timeout: float | None = None) -> ResultT:
        """The typed result.

        Raises:
            CallTimeoutError: not done in ``timeout`` seconds.
            TaskCancelledError: it was cancelled.
            RemoteHostError: it failed; carries the remote traceback.
        """
        return self._result_of(self.wait(timeout), timeout)

    def _result_of(self, snapshot: TaskSnapshot[ResultT], timeout: float | None) -> ResultT:
        if not snapshot.done:
            raise CallTimeoutError(f"task {snapshot.agent_id}", timeout or 0.0, hint="it goes on")
        if snapshot.status is TaskStatus.CANCELLED:
            raise TaskCancelledError(f"task {snapshot.agent_id} was cancelled")
        if snapshot.result is None:
            failed: Any = RemoteHostError(snapshot.error or f"task {snapshot.agent_id} {snapshot.status.value}")
            failed.remote_traceback, failed.remote_host = snapshot.traceback, snapshot.host_name
            raise failed
        return snapshot.result

    def cancel(self, *, timeout: float | None = None) -> TaskSnapshot[ResultT]:
        """Ask the task to stop."""
        return self.client.cancel(timeout=timeout)

    def add_done_callback(self, callback: Callable[[TaskHandle[ResultT]], None]) -> None:
        """Call ``callback(self)`` when the task is done or lost, from a thread that waits for it."""

        def watch() -> None:
            with suppress(PagletError):
                self.wait()
            callback(self)

        threading.Thread(target=watch, name="paglets-task", daemon=True).start()

    def __await__(self) -> Generator[Any, None, ResultT]:
        return self._wait_async().__await__()

    async def _wait_async(self) -> ResultT:
        while True:
            settled = self._settled()
            if settled is not None:
                return self._result_of(settled, None)
            if self._followed or self._started is None:
                self._last = await self.client.wait_async(wait_timeout=_POLL)
            else:
                with suppress(HandlerInterruptedError):
                    await self._started

    def __repr__(self) -> str:
        last = self._last
        where = f"{last.status.value} {last.progress:.0%} on {last.host_name}" if last is not None else "started"
        return f"<TaskHandle {self.proxy.agent_id} {where}>"
