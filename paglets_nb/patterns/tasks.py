"""Tasks: a paglet that does one typed request and can be watched meanwhile.

``status``, ``wait`` and ``cancel`` are answered while ``run_task`` runs. The caller's
side (``TaskClient``, ``TaskHandle``) is in ``patterns.task_client``.
"""

from __future__ import annotations

import dataclasses
import time
import typing
from dataclasses import dataclass, field
from enum import Enum
from types import CoroutineType
from typing import Any, ClassVar, Generic, TypeVar

from paglets_nb.core.interrupts import HandlerInterrupt
from paglets_nb.core.messages import Message
from paglets_nb.core.paglet import Paglet
from paglets_nb.core.ports import codec
from paglets_nb.core.proxy import PagletProxy
from paglets_nb.core.references import PagletProxyRef
from paglets_nb.core.state import PagletState
from paglets_nb.core.tracebacks import format_user_traceback, has_user_frames, tell_failure
from paglets_nb.errors import HostError, LifecycleError, PagletError, TaskCancelledError
from paglets_nb.services.contracts import EmptyPayload, ServiceOperation

__all__ = [
    "TASK_CANCEL",
    "TASK_START",
    "TASK_STATUS",
    "TASK_WAIT",
    "TaskPaglet",
    "TaskStartRequest",
    "TaskState",
    "TaskStatus",
    "TaskStatusReply",
    "TaskWaitRequest",
]


class TaskStatus(Enum):
    """Where a task stands; each value is its name."""

    NEW = "NEW"
    RUNNING = "RUNNING"
    WAITING_FOR_ARRIVAL = "WAITING_FOR_ARRIVAL"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


@dataclass
class TaskState(PagletState):
    """The state of a task.

    Attributes:
        request: the wire form of the request.
        result: the wire form of the result.
        started_at: POSIX seconds, 0 before.
        completed_at: POSIX seconds, 0 before.
        progress: 0 to 1.
        note: what the task says it is doing.
        traceback: of the error, from the host where it was raised.
        cancelling: cancel was asked for.
    """

    status: TaskStatus = TaskStatus.NEW
    done: bool = False
    request: dict[str, Any] = field(default_factory=dict)
    result: dict[str, Any] = field(default_factory=dict)
    error: str = ""
    started_at: float = 0.0
    completed_at: float = 0.0
    progress: float = 0.0
    note: str = ""
    traceback: str = ""
    cancelling: bool = False


@dataclass(frozen=True)
class TaskStartRequest:
    """Start with this request, in wire form."""

    request: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class TaskWaitRequest:
    """Answer when the task is done, or after ``wait_timeout`` seconds."""

    wait_timeout: float = 0.5


@dataclass(frozen=True)
class TaskStatusReply:
    """Where a task stands, and where it is; the fields of ``TaskState`` and its place."""

    status: TaskStatus = TaskStatus.NEW
    done: bool = False
    request: dict[str, Any] = field(default_factory=dict)
    result: dict[str, Any] = field(default_factory=dict)
    error: str = ""
    started_at: float = 0.0
    completed_at: float = 0.0
    agent_id: str = ""
    host_name: str = ""
    host_url: str = ""
    progress: float = 0.0
    note: str = ""
    traceback: str = ""
    cancelling: bool = False


TASK_START = ServiceOperation("start", TaskStartRequest, TaskStatusReply)
TASK_STATUS = ServiceOperation("status", EmptyPayload, TaskStatusReply)
TASK_WAIT = ServiceOperation("wait", TaskWaitRequest, TaskStatusReply)
TASK_CANCEL = ServiceOperation("cancel", EmptyPayload, TaskStatusReply)
RETURNED_NOTHING = "run_task returned nothing; return a Result"
"""The note of a task that was left running without a result."""
_OPERATIONS = (TASK_START, TASK_STATUS, TASK_WAIT, TASK_CANCEL)

RequestT = TypeVar("RequestT")
ResultT = TypeVar("ResultT")
StateT = TypeVar("StateT", bound=TaskState)


class TaskPaglet(Paglet[StateT], Generic[RequestT, ResultT, StateT]):
    """A paglet that does one typed request; override ``run_task``.

    ``run_task`` returns the result. Where it returns None and leaves the status RUNNING, the task
    stays so until something completes it, and its note says that nothing was returned.

    Class attributes:
        Request: the dataclass of the request; taken from ``TaskPaglet[MyRequest, MyResult, MyState]`` where not given.
        Result: the dataclass of the result; so is this.
    """

    State: ClassVar[type[PagletState]] = TaskState
    Request: ClassVar[type | None] = None
    Result: ClassVar[type | None] = None
    interleaved_kinds = frozenset(operation.name for operation in (TASK_STATUS, TASK_WAIT, TASK_CANCEL))

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for base in cls.__dict__.get("__orig_bases__", ()):
            if typing.get_origin(base) is TaskPaglet:
                for role, value in zip(("Request", "Result"), typing.get_args(base), strict=False):
                    if role not in cls.__dict__ and isinstance(value, type) and dataclasses.is_dataclass(value):
                        setattr(cls, role, value)

    @classmethod
    def request_class(cls) -> type:
        """The request's dataclass; HostError when the class has none."""
        return cls._declared("Request", cls.Request)

    @classmethod
    def result_class(cls) -> type:
        """The result's dataclass; HostError when the class has none."""
        return cls._declared("Result", cls.Result)

    @classmethod
    def _declared(cls, role: str, value: Any) -> type:
        if not (isinstance(value, type) and dataclasses.is_dataclass(value)):
            raise HostError(f"{cls.__name__}.{role} must be a dataclass, not {value!r}")
        return value

    # ---- to override

    def run_task(self, request: RequestT) -> Any:
        """Do the request; may be ``async def``.

        Returns:
            The result; a proxy or reference when the task has moved; None to leave the
            state as it is.
        """
        raise NotImplementedError(f"{type(self).__name__}.run_task")

    def on_cancelling(self) -> None:
        """Cancel was asked for while the task runs, which goes on until it looks; must not block."""

    def settle_interrupted(self) -> None:
        """Nothing of the task runs any more: one that is not done is cancelled."""
        with self.locked():
            if self.state.status is not TaskStatus.NEW and not self.state.done:
                self.state.cancelling = True
                self.fail_task(TaskCancelledError(f"{type(self).__name__} {self.agent_id} was interrupted by a cancel"))

    def handle_task_message(self, message: Message) -> Any:
        """Other messages; None means not handled."""
        return None

    def _busy_with(self) -> str:
        running = self.state.status is TaskStatus.RUNNING
        return "its task; wait for it, or cancel it" if running else super()._busy_with()

    # ---- for run_task

    def report_progress(self, fraction: float, note: str | None = None) -> None:
        """Say how far the task is.

        Args:
            fraction: 0 to 1; clipped.
            note: what it is doing; None keeps the last one.
        """
        with self.locked():
            self.state.progress = min(1.0, max(0.0, float(fraction)))
            if note is not None:
                self.state.note = note
            self.notify_all_state_changed()

    def check_cancelled(self) -> None:
        """Raise TaskCancelledError once cancel was asked for."""
        if self.state.cancelling:
            raise TaskCancelledError(f"{type(self).__name__} {self.agent_id} was cancelled")

    def set_task_status(self, status: TaskStatus, *, done: bool | None = None) -> None:
        """Set the status, and ``done`` unless None, and wake the waiters."""
        with self.locked():
            self.state.status = status
            if done is not None:
                self.state.done = done
                if done:
                    self.state.completed_at = time.time()
            self.notify_all_state_changed()

    def complete_task(self, result: Any, *, status: TaskStatus = TaskStatus.COMPLETED) -> None:
        """Finish with a result; HostError unless it is a dataclass instance."""
        if not dataclasses.is_dataclass(result) or isinstance(result, type):
            raise HostError(f"{type(self).__name__}: a task completes with a dataclass instance, not {result!r}")
        with self.locked():
            self.state.result = codec().to_wire(result)
            if status is TaskStatus.COMPLETED:
                self.state.progress = 1.0
            self.set_task_status(status, done=True)

    def fail_task(self, error: BaseException | str) -> None:
        """Finish with an error."""
        with self.locked():
            if isinstance(error, BaseException):
                self.state.error = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
                ours = isinstance(error, PagletError) and not has_user_frames(error)
                own = "" if ours else format_user_traceback(error)
                self.state.traceback = getattr(error, "remote_traceback", "") or own
            else:
                self.state.error = error
            cancelled = isinstance(error, TaskCancelledError | HandlerInterrupt)
            self.set_task_status(TaskStatus.CANCELLED if cancelled else TaskStatus.FAILED, done=True)

    def task_status_reply(self) -> TaskStatusReply:
        """Where the task stands now."""
        context = self._context
        with self.locked():
            state = self.state
            return TaskStatusReply(
                status=state.status,
                done=state.done,
                request=dict(state.request),
                result=dict(state.result),
                error=state.error,
                started_at=state.started_at,
                completed_at=state.completed_at,
                agent_id=self.agent_id,
                host_name=context.name if context is not None else "",
                host_url=context.address if context is not None else "",
                progress=state.progress,
                note=state.note,
                traceback=state.traceback,
                cancelling=state.cancelling,
            )

    # ---- messages

    def operation_names(self) -> list[str]:
        """start, status, wait and cancel."""
        return [operation.name for operation in _OPERATIONS]

    def operations(self) -> list[ServiceOperation]:
        """start, status, wait and cancel."""
        return list(_OPERATIONS)

    def handle_message(self, message: Message) -> Any:
        """Route start, status, wait and cancel; the rest goes to ``handle_task_message``."""
        kind = message.kind
        if kind == TASK_START.name:
            return self._start(TASK_START.decode_request(message))
        if kind == TASK_STATUS.name:
            return TASK_STATUS.encode_reply(self.task_status_reply())
        if kind == TASK_WAIT.name:
            self.wait_state(lambda: self.state.done, TASK_WAIT.decode_request(message).wait_timeout)
            return TASK_WAIT.encode_reply(self.task_status_reply())
        if kind == TASK_CANCEL.name:
            return self._cancel()
        reply = self.handle_task_message(message)
        return self.not_handled(message) if reply is None else reply

    def _cancel(self) -> dict[str, Any]:
        with self.locked():
            tell = self.state.status is not TaskStatus.NEW and not self.state.done
            if self.state.status is TaskStatus.NEW:
                self.state.cancelling = True
                self.fail_task(TaskCancelledError("cancelled before it was started"))
            elif not self.state.done:
                self.state.cancelling = True
                self.notify_all_state_changed()
        if tell:
            self.on_cancelling()
        return TASK_CANCEL.encode_reply(self.task_status_reply())

    def _start(self, start: TaskStartRequest) -> Any:
        self.result_class()
        request: Any = codec().from_wire(self.request_class(), start.request)
        with self.locked():
            state = self.state
            if state.status in (TaskStatus.RUNNING, TaskStatus.WAITING_FOR_ARRIVAL):
                raise LifecycleError(f"{type(self).__name__} {self.agent_id} is running already; wait or cancel it")
            state.request = dict(start.request)
            state.result, state.error, state.traceback = {}, "", ""
            state.progress, state.note, state.cancelling = 0.0, "", False
            state.started_at, state.completed_at = time.time(), 0.0
            self.set_task_status(TaskStatus.RUNNING, done=False)
        try:
            outcome = self.run_task(request)
            if type(outcome) is CoroutineType:
                return self._finish_async(outcome)
            return self._finish(outcome)
        except (Exception, HandlerInterrupt) as error:
            return self._failed(error)

    async def _finish_async(self, coroutine: Any) -> Any:
        try:
            return self._finish(await coroutine)
        except Exception as error:
            return self._failed(error)

    def _finish(self, outcome: Any) -> dict[str, Any]:
        if isinstance(outcome, PagletProxy):
            return dict(outcome.to_wire())
        if isinstance(outcome, PagletProxyRef):
            return {"host_url": outcome.host_url, "agent_id": outcome.agent_id}
        if outcome is not None:
            self.complete_task(outcome)
        elif not self._ended:
            self._left_running()
        return TASK_START.encode_reply(self.task_status_reply())

    def _left_running(self) -> None:
        """Say so where ``run_task`` returned nothing, and set no other status: it may be that a thread completes it."""
        with self.locked():
            if self.state.status is TaskStatus.RUNNING and not self.state.done:
                self.state.note = RETURNED_NOTHING
                self.notify_all_state_changed()

    def _failed(self, error: BaseException) -> dict[str, Any]:
        if not isinstance(error, TaskCancelledError | HandlerInterrupt):
            tell_failure(self.agent_id, None, error)
        self.fail_task(error)
        return TASK_START.encode_reply(self.task_status_reply())


def __getattr__(name: str) -> Any:
    """The caller's side, importable from here too."""
    if name in ("TaskClient", "TaskHandle", "TaskSnapshot"):
        from paglets_nb.patterns import task_client

        return getattr(task_client, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
