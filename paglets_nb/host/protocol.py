"""What hosts say to each other and to the mesh: verbs with typed requests and replies."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from paglets_nb.core.references import HostRef

__all__ = [
    "Arrival",
    "Born",
    "CloneRequest",
    "CodeBundle",
    "CodeRequest",
    "CreateRequest",
    "DispatchRequest",
    "FindRequest",
    "Found",
    "HostInfo",
    "Listing",
    "Members",
    "Nothing",
    "OperationInfo",
    "PagletInfo",
    "Settle",
    "is_verb",
]


def is_verb(kind: str) -> bool:
    """Whether a kind is a verb of the hosts rather than a message to a paglet."""
    return kind[:1] == "@"


@dataclass(frozen=True)
class Nothing:
    """An empty request or reply."""


@dataclass(frozen=True)
class CreateRequest:
    """``@create``: make a paglet.

    Attributes:
        class_name: its class, in wire form.
        state: the wire form of its state; None for the defaults.
        init: handed to ``on_creation``.
        name: a name in the mesh, or empty.
    """

    class_name: str
    state: dict[str, Any] | None = None
    init: Any = None
    name: str = ""
    agent_id: str = ""


@dataclass(frozen=True)
class Born:
    """Where a paglet is now."""

    agent_id: str
    host_url: str
    name: str = ""
    class_name: str = ""


@dataclass(frozen=True)
class DispatchRequest:
    """``@dispatch``: move a paglet.

    Attributes:
        target: a host's name or address.
        timeout: seconds for the transfer.
    """

    target: str
    timeout: float = 10.0


@dataclass(frozen=True)
class CloneRequest:
    """``@clone``: copy a paglet; an empty target is its own host."""

    target: str = ""
    timeout: float = 10.0


@dataclass(frozen=True)
class Arrival:
    """``@prepare``: a paglet on its way; stored by the target, not yet awake.

    Attributes:
        operation_id: makes a repeated request harmless.
        mode: ``dispatch`` or ``clone``.
        parent_id: of a clone, what it was made from.
    """

    operation_id: str
    mode: str
    agent_id: str
    class_name: str
    state: dict[str, Any]
    source_url: str
    name: str = ""
    parent_id: str = ""


@dataclass(frozen=True)
class Settle:
    """``@activate`` or ``@abandon``: what becomes of a prepared paglet."""

    operation_id: str


@dataclass(frozen=True)
class Members:
    """``@members``: the hosts of the mesh, as its owner sees them; newer epochs win."""

    epoch: int
    hosts: list[HostRef] = field(default_factory=list)


@dataclass(frozen=True)
class CodeRequest:
    """``@code``: ask for a class shipped by value."""

    digest: str


@dataclass(frozen=True)
class CodeBundle:
    """``@code-put`` and the reply to ``@code``."""

    digest: str
    name: str
    pickled: bytes
    sources: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class OperationInfo:
    """One typed operation of a paglet, its types by wire name."""

    name: str
    request_type: str
    reply_type: str


@dataclass(frozen=True)
class PagletInfo:
    """``@info``: what the host knows of a paglet."""

    agent_id: str
    class_name: str
    host_name: str
    host_url: str
    pid: int
    name: str = ""
    active: bool = True
    created_at: float = 0.0
    waiting: int = 0
    operations: list[OperationInfo] = field(default_factory=list)
    state: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Listing:
    """``@list``: the paglets of a host."""

    paglets: list[PagletInfo] = field(default_factory=list)


@dataclass(frozen=True)
class HostInfo:
    """``@health``: the host itself.

    Attributes:
        uptime: seconds.
        connections: open sockets.
    """

    name: str
    url: str
    pid: int
    paglets: int
    uptime: float
    connections: int
    threads: int
    code_version: str = ""


@dataclass(frozen=True)
class FindRequest:
    """``@find``: is there a paglet with this id or name."""

    key: str


@dataclass(frozen=True)
class Found:
    """The reply to ``@find``; empty when there is none."""

    agent_id: str = ""
    host_url: str = ""
    name: str = ""
    class_name: str = ""
