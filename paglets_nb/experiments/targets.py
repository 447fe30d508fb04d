"""What a fan-out calls: an operation, a raw message, a task or a function, on paglets or on workers made for it.

Owns the way from a cell's fields to a message, and from a reply to a value. It must not
know when or where cells run.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from paglets_nb.core.messages import Message
from paglets_nb.core.paglet import Paglet
from paglets_nb.core.ports import codec
from paglets_nb.core.proxy import PagletProxy
from paglets_nb.core.state import PagletState
from paglets_nb.errors import ExperimentError, RemoteHostError, ServiceContractError, TaskCancelledError
from paglets_nb.experiments.workers import CALL, FUNCTION, lease, worker_of
from paglets_nb.host.host import create_request
from paglets_nb.host.protocol import CreateRequest
from paglets_nb.patterns.operations import OperationPaglet
from paglets_nb.patterns.task_client import TaskSnapshot
from paglets_nb.patterns.tasks import TASK_CANCEL, TASK_START, TaskPaglet, TaskStartRequest, TaskStatus, TaskStatusReply
from paglets_nb.services.contracts import ServiceOperation

if TYPE_CHECKING:
    from paglets_nb.mesh.mesh import Mesh

__all__ = ["Target", "operations_of", "proxies_of", "target_of"]


def operations_of(cls: type) -> list[ServiceOperation]:
    """The typed operations of a paglet class, without making a paglet; none where it has none."""
    if not issubclass(cls, OperationPaglet):
        return []
    probe = object.__new__(cls)
    try:
        return probe.operations()
    except Exception:  # handlers that need a made paglet: those declared are known all the same
        return list(cls.Operations)


def proxies_of(target: Any) -> list[PagletProxy] | None:
    """The proxies that a target stands for: one, an object that has one, or several; None for none."""
    proxy = getattr(target, "proxy", target) if not isinstance(target, type) else target
    if isinstance(proxy, PagletProxy):
        return [proxy]
    if isinstance(target, Iterable) and not isinstance(target, str | bytes | Mapping | type):
        entries = [getattr(entry, "proxy", entry) for entry in target]
        found = [entry for entry in entries if isinstance(entry, PagletProxy)]
        if found and len(found) == len(entries):
            return found
    return None


class Target:
    """What is called; this one sends a raw message of a kind.

    Args:
        label: what it is called in tables and messages.
        kind: of the message.

    Attributes:
        proxies: the paglets that are called; empty where workers are made.
        worker: the class of the workers; None where paglets are called.
        request_type: the dataclass of the requests; None for plain values.
        reply_type: what replies are decoded into; None for plain values.
    """

    def __init__(self, label: str, kind: str) -> None:
        self.label = label
        self.kind = kind
        self.proxies: Sequence[PagletProxy] = ()
        self.worker: type[Paglet[Any]] | None = None
        self.request_type: type | None = None
        self.reply_type: type | None = None
        self.state: PagletState | None = None
        self.init: Any = None
        self._priority = 5

    def of_proxies(self, proxies: Sequence[PagletProxy]) -> Target:
        """Call these paglets."""
        self.proxies = proxies
        return self

    def of_class(self, target: Any, state: PagletState | None, init: Any) -> Target:
        """Call workers made of a paglet class or a function."""
        self.worker, self.state, self.init = worker_of(target), state, init
        self.reply_type = None
        if isinstance(target, type) and self.kind in target.interleaved_kinds:  # type: ignore[attr-defined]
            self._priority = 0
        return self

    def create_request(self, seconds: float) -> CreateRequest:
        """What makes a worker that is wanted for ``seconds``."""
        if self.worker is None:
            raise ExperimentError(f"{self.label} makes no workers")
        return create_request(self.worker, self.state, init=lease(seconds, self.init))

    # ---- requests

    def request(self, fields: Mapping[str, Any]) -> Any:
        """The request with these fields; ExperimentError where they do not fit."""
        return dict(fields)

    def message(self, request: Any) -> Message:
        """The message that carries a request."""
        content = self.content(request)
        if self.worker is not None:
            return Message(CALL, {"kind": self.kind, "content": content}, priority=self._priority)
        return Message(self.kind, content)

    def content(self, request: Any) -> Any:
        """What the message holds."""
        return request

    def cancelling(self) -> Message | None:
        """The message that asks what runs to stop; None where there is none."""
        return None

    # ---- replies

    def outcome(self, reply: Any) -> tuple[Any, float | None]:
        """The value of a reply, and the seconds that the handler ran where they are known.

        Raises:
            Exception: the reply says that it failed, or is not what was agreed.
        """
        if self.worker is None:
            return self.value(reply), None
        return self.value(reply["reply"]), float(reply["seconds"])

    def value(self, reply: Any) -> Any:
        """The value of a handler's reply."""
        return reply


class OperationTarget(Target):
    """Calls a typed operation."""

    def __init__(self, label: str, operation: ServiceOperation) -> None:
        super().__init__(label, operation.name)
        self.operation = operation
        self.request_type, self.reply_type = operation.request_type, operation.reply_type

    def request(self, fields: Mapping[str, Any]) -> Any:
        """An instance of the operation's request type."""
        return built(self.operation.request_type, fields, f"operation {self.kind!r}")

    def content(self, request: Any) -> Any:
        """The request, checked."""
        return self.operation.to_message(request).body

    def value(self, reply: Any) -> Any:
        """The typed reply."""
        return self.operation.decode_reply(reply)


class TaskTarget(Target):
    """Starts a task and waits until it is done."""

    def __init__(self, label: str, cls: type[TaskPaglet[Any, Any, Any]]) -> None:
        super().__init__(label, TASK_START.name)
        self._request_class, self._result = cls.request_class(), cls.result_class()
        self.request_type = self._request_class

    def request(self, fields: Mapping[str, Any]) -> Any:
        """An instance of the task's request type."""
        return built(self._request_class, fields, f"task {self.label}")

    def content(self, request: Any) -> Any:
        """What starts the task."""
        if not isinstance(request, self._request_class):
            raise ServiceContractError(f"task {self.label} wants a {self._request_class.__name__}, not {request!r}")
        return TaskStartRequest(codec().to_wire(request))

    def cancelling(self) -> Message | None:
        """What asks the task to stop."""
        return TASK_CANCEL.to_message()

    def outcome(self, reply: Any) -> tuple[Any, float | None]:
        """The task's result and the seconds that it ran."""
        wired, seconds = (reply, None) if self.worker is None else (reply["reply"], float(reply["seconds"]))
        if "status" not in wired:
            raise RemoteHostError(f"task {self.label} has left, for {wired.get('host_url', 'elsewhere')}")
        snapshot: TaskSnapshot[Any] = TaskSnapshot.from_reply(codec().from_wire(TaskStatusReply, wired), self._result)
        if snapshot.status is TaskStatus.CANCELLED:
            raise TaskCancelledError(f"task {snapshot.agent_id} was cancelled")
        if snapshot.status is not TaskStatus.COMPLETED:
            failed: Any = RemoteHostError(snapshot.error or f"the task is {snapshot.status.value}")
            failed.remote_traceback, failed.remote_host = snapshot.traceback, snapshot.host_name
            raise failed
        return snapshot.result, seconds if seconds is not None else snapshot.completed_at - snapshot.started_at


def built(cls: type, fields: Mapping[str, Any], owner: str) -> Any:
    """An instance of a request's dataclass; ExperimentError names the fields that there are."""
    try:
        return cls(**fields)
    except TypeError:
        known = [field.name for field in dataclasses.fields(cls) if field.init]
        wrong = [name for name in fields if name not in known]
        what = f"has no field {wrong[0]!r}" if wrong else f"needs more than {', '.join(fields) or 'nothing'}"
        raise ExperimentError(f"{owner} {what} (fields: {', '.join(known) or 'none'})") from None
    except ValueError as error:
        raise ExperimentError(f"{owner}: {error}") from error


def _operation(label: str, operation: Any, known: Callable[[], list[ServiceOperation]]) -> Target:
    """The target of an operation, given as itself or by its name."""
    if isinstance(operation, ServiceOperation):
        return OperationTarget(label, operation)
    by_name = {entry.name: entry for entry in known()}
    listed = ", ".join(by_name) or "none"
    if not isinstance(operation, str):
        raise ExperimentError(f"{label}: which operation? (operations: {listed})")
    if operation in by_name:
        return OperationTarget(label, by_name[operation])
    if by_name:
        raise ExperimentError(f"{label} has no operation {operation!r} (operations: {listed})")
    return Target(label, operation)


def target_of(mesh: Mesh, target: Any, operation: Any, state: PagletState | None = None, init: Any = None) -> Target:
    """What a fan-out calls.

    Args:
        mesh: whose paglets or hosts it calls.
        target: a paglet class, a function, a proxy or several.
        operation: an operation, its name, or a kind of raw message; None for a task or a function.
        state: of workers made of a class.
        init: handed to their ``on_creation``.

    Raises:
        ExperimentError: it is none of these, or the operation is missing or unknown.
    """
    proxies = proxies_of(target)
    if proxies is not None:
        if state is not None or init is not None:
            raise ExperimentError("state and init are for workers; these paglets have been made already")
        if isinstance(operation, ServiceOperation):
            return OperationTarget("paglets", operation).of_proxies(proxies)
        cls = mesh.class_of(proxies[0])
        if operation is None and issubclass(cls, TaskPaglet):
            return TaskTarget(cls.__name__, cls).of_proxies(proxies)
        return _operation(cls.__name__, operation, lambda: mesh.operations(proxies[0])).of_proxies(proxies)
    if isinstance(target, type) and issubclass(target, Paglet):
        if operation is None and issubclass(target, TaskPaglet):
            return TaskTarget(target.__name__, target).of_class(target, state, init)
        return _operation(target.__name__, operation, lambda: operations_of(target)).of_class(target, state, init)
    if callable(target) and not isinstance(target, type):
        if operation is not None:
            hint = "; its arguments' values are grid=..." if isinstance(operation, Mapping | list | tuple) else ""
            raise ExperimentError(f"a function has no operations, so not {operation!r}{hint}")
        return Target(getattr(target, "__name__", "function"), FUNCTION).of_class(target, state, init)
    raise ExperimentError(f"a fan-out calls a paglet class, a function or paglets, not {target!r}")
