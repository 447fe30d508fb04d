"""Every public exception of the project.

Owns the tree below and nothing else; it must not know any other room.

::

    PagletError
    ├── SerializationError          a value or class that cannot travel
    │   └── FieldError              a field that is unknown, missing or of another type
    ├── HostError                   a host refused or could not do its part
    │   ├── ServiceContractError    a request or reply that breaks its contract
    │   │   └── ServiceNotFoundError
    │   ├── UnknownHostError        a name that is no host of the mesh
    │   └── HostDiedError           (ConnectionError) gone before it answered
    ├── MeshError                   no mesh, or one that could not start
    ├── AuthenticationError         a peer that is not who it must be
    ├── ForbiddenError              a peer that may not do this
    ├── FrameError                  bytes that are no frame of ours
    ├── RemoteHostError             an exception of a type unknown here
    ├── CallTimeoutError            (TimeoutError) no answer by the deadline
    │   └── PagletBusyError         a step that was not taken: the paglet's turn did not come
    ├── InvalidAgentError           no such paglet (never was, or disposed)
    ├── PagletInactiveError         deactivated, and told not to wake
    ├── PagletCrashedError          quarantined after it crashed its host
    ├── NotHandledError             no handler for a message of this kind
    ├── HandlerInterruptedError     a cancel interrupted the handler
    ├── LifecycleError              a step the paglet cannot take now
    │   ├── NameTakenError          another paglet of the mesh has the name
    │   └── MailboxFullError        more messages wait than the mailbox holds
    ├── TransferError               a movement that did not commit
    ├── StorageQuotaError           a write past a storage quota
    ├── StoreError                  a host's store is damaged, full or unusable
    ├── CursorGapError              events asked for were trimmed, or never were
    ├── SearchError                 a search that cannot be made
    ├── ExperimentError             (ValueError) a fan-out that cannot be run, or results that cannot be read
    └── TaskCancelledError          raised in a task after it was cancelled

All of them survive a pickle and a trip over the wire with their attributes.
"""

from __future__ import annotations

import os
import traceback
from collections.abc import Iterable
from typing import Any

__all__ = [
    "AuthenticationError",
    "CallTimeoutError",
    "CursorGapError",
    "ExperimentError",
    "FieldError",
    "ForbiddenError",
    "FrameError",
    "HandlerInterruptedError",
    "HostDiedError",
    "HostError",
    "InvalidAgentError",
    "LifecycleError",
    "MailboxFullError",
    "MeshError",
    "NameTakenError",
    "NotHandledError",
    "PagletBusyError",
    "PagletCrashedError",
    "PagletError",
    "PagletInactiveError",
    "RemoteHostError",
    "SearchError",
    "SerializationError",
    "ServiceContractError",
    "ServiceNotFoundError",
    "StorageQuotaError",
    "StoreError",
    "TaskCancelledError",
    "TransferError",
    "UnknownHostError",
]


_PACKAGE = os.path.dirname(os.path.abspath(__file__)) + os.sep


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"


def rebuild_error(cls: type[Exception], args: tuple[Any, ...], attributes: dict[str, Any]) -> Exception:
    """Make an exception again from its class, ``args`` and attributes, without its ``__init__``."""
    error = cls.__new__(cls, *args)
    error.args = args
    error.__dict__.update(attributes)
    return error


class PagletError(Exception):
    """Root of every error this project raises on purpose."""

    def __reduce__(self) -> tuple[Any, ...]:
        return rebuild_error, (type(self), self.args, dict(self.__dict__))

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows: the lines of the user's own code, then the message."""
        frames = [
            frame
            for frame in traceback.extract_tb(self.__traceback__)
            if not frame.filename.startswith(_PACKAGE) and f"{os.sep}IPython{os.sep}" not in frame.filename
        ]
        lines = [line for entry in traceback.format_list(frames) for line in entry.rstrip("\n").split("\n")]
        return [*lines, f"{type(self).__name__}: {self}"]


class SerializationError(PagletError):
    """A value, field or class that cannot travel.

    Attributes:
        path: where in the object, e.g. ``state.items[3].name``; empty when unknown.
    """

    def __init__(self, message: str, *, path: str = "") -> None:
        super().__init__(f"{path}: {message}" if path else message)
        self.path = path


class FieldError(SerializationError):
    """A field of a request that is unknown, missing, or wants something else than it was given.

    Attributes:
        path: the field; empty where the whole request was refused.
    """

    def __init__(self, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.path = field


class HostError(PagletError):
    """A host refused, or could not do its part."""


class ServiceContractError(HostError):
    """A request or reply that breaks its operation's contract."""


class ServiceNotFoundError(ServiceContractError):
    """No provider of the wanted contract is known."""


class UnknownHostError(HostError):
    """A name that is no host of the mesh.

    Attributes:
        name: what was asked for.
        known: the hosts there are.
    """

    def __init__(self, name: str, known: Iterable[str] = ()) -> None:
        self.name, self.known = name, sorted(known)
        super().__init__(f"no host {name!r} in the mesh (hosts: {_listed(self.known)})")


LOST = "the connection closed before the reply"
MAY_BE_DONE = "it may still be done"
"""Stands in the time-out of what had reached its host, or may have."""
MAY_COME = "it may still come"
"""Stands in the time-out of a reply that can be waited for again."""


class HostDiedError(HostError, ConnectionError):
    """A host that was gone before it answered.

    Attributes:
        host: its name or address.
        reason: what is known of its end.
        delivered: the request may have been acted on; False when it never reached the host.
        hint: what comes of it, e.g. that the host is being started again; empty when unknown.
    """

    def __init__(self, host: str, reason: str = LOST, *, delivered: bool = True, hint: str = "") -> None:
        self.host, self.reason, self.delivered, self.hint = host, reason, delivered, hint
        super().__init__(f"host {host!r} is gone: {reason}{f'; {hint}' if hint else ''}")


class MeshError(PagletError):
    """There is no mesh, or it could not start."""


class AuthenticationError(PagletError):
    """A peer that is not who it must be."""


class ForbiddenError(PagletError):
    """A peer that may not do this."""


class FrameError(PagletError):
    """Bytes that are no frame of ours, or one past its bounds."""


class RemoteHostError(PagletError):
    """An exception raised on a host, of a type that cannot be made here.

    Attributes:
        type_name: the qualified name of the exception's type over there.
    """

    def __init__(self, message: str, *, type_name: str = "") -> None:
        super().__init__(f"{type_name}: {message}" if type_name else message)
        self.type_name = type_name


class CallTimeoutError(PagletError, TimeoutError):
    """No answer by the deadline; the call may still be running over there.

    Attributes:
        what: the call that was waited for.
        timeout: seconds waited.
        hint: what the caller should know, e.g. that the step goes on; empty when nothing.
    """

    def __init__(self, what: str, timeout: float, *, hint: str = "") -> None:
        self.what, self.timeout, self.hint = what, timeout, hint
        super().__init__(f"{what}: no answer within {timeout:g} s{f'; {hint}' if hint else ''}")


class PagletBusyError(CallTimeoutError):
    """A step that was not taken and will not be, since the paglet did something else all the time.

    Attributes:
        paglet: its name, or its class and id.
        step: what was not done with it, e.g. ``moved``.
        doing: what it is busy with.
    """

    def __init__(self, paglet: str, timeout: float = 0.0, *, step: str = "reached", doing: str = "a message") -> None:
        self.paglet, self.step, self.doing = paglet, step, doing
        super().__init__(paglet, timeout, hint=f"it was not {step}")
        self.args = (f"{paglet} was not {step} within {timeout:g} s: it is busy with {doing}",)


class InvalidAgentError(PagletError):
    """No such paglet: it never was, or it was disposed.

    Attributes:
        agent_id: the id or name asked for.
        fate: what became of it; empty where that is not known.
    """

    def __init__(self, agent_id: str, where: str = "", *, name: str = "", fate: str = "") -> None:
        self.agent_id, self.fate = agent_id, fate
        place = f" on {where}" if where else ""
        super().__init__(
            f"no paglet {(name or agent_id)!r}{place} ({fate or 'disposed, never created, or lost with its host'})"
        )


class PagletInactiveError(PagletError):
    """The paglet is deactivated and the message may not wait for it."""


class PagletCrashedError(PagletError):
    """The paglet is quarantined because it kept crashing its host."""


class NotHandledError(PagletError):
    """No handler for a message of this kind.

    Attributes:
        kind: the message's kind.
        known: the operations the paglet has.
    """

    def __init__(self, kind: str, paglet: str = "", known: Iterable[str] = ()) -> None:
        self.kind, self.known = kind, sorted(known)
        owner = f"{paglet} " if paglet else ""
        hint = f" (operations: {_listed(self.known)})" if self.known else ""
        super().__init__(f"{owner}does not handle {kind!r}{hint}")


class HandlerInterruptedError(PagletError):
    """A cancel interrupted the handler, which had not stopped when it was asked to."""


class LifecycleError(PagletError):
    """A step the paglet cannot take now."""


class NameTakenError(LifecycleError):
    """Another paglet of the mesh has the name.

    Attributes:
        name: the name.
    """

    def __init__(self, name: str, where: str = "") -> None:
        self.name = name
        super().__init__(f"the name {name!r} is taken{f' by a paglet on {where}' if where else ''}")


class MailboxFullError(LifecycleError):
    """More messages wait for the paglet than its mailbox holds."""


class TransferError(PagletError):
    """A movement that did not commit; the paglet is where it was."""


class StorageQuotaError(PagletError):
    """A write past a storage quota."""


class StoreError(PagletError):
    """A host's store is damaged, full or unusable."""


class CursorGapError(PagletError):
    """The events asked for were trimmed, or the cursor lies beyond the end.

    Attributes:
        after_cursor: the cursor asked for.
        first_cursor: the first cursor still held.
        last_cursor: the last one there is, where the cursor lies beyond it; else None.
    """

    def __init__(self, after_cursor: int, first_cursor: int, last_cursor: int | None = None) -> None:
        self.after_cursor, self.first_cursor, self.last_cursor = after_cursor, first_cursor, last_cursor
        gone, last_gone = max(after_cursor, 0) + 1, first_cursor - 1
        trimmed = f"events {gone} to {last_gone} were" if gone < last_gone else f"event {gone} was"
        text = f"{trimmed} trimmed; the first one held is {first_cursor}: after_cursor={last_gone} goes on from there"
        if last_cursor is not None:
            text = f"cursor {after_cursor} lies beyond the end: the last event is {last_cursor}"
        super().__init__(text)


class SearchError(PagletError):
    """A search that cannot be made: its pattern, a type or every path is wrong, or ripgrep is missing."""


class ExperimentError(PagletError, ValueError):
    """A fan-out that cannot be run as described, or results that cannot be read or compared."""


class TaskCancelledError(PagletError):
    """Raised in ``run_task`` once the task was asked to stop."""
