"""What hosts say to each other and to the mesh: verbs with typed requests and replies.

Those on the path of a hop are records, which cost a fraction of a dataclass to make, encode and decode.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from paglets_nb.core import records
from paglets_nb.core.policy import DeactivationPolicy
from paglets_nb.core.records import Record
from paglets_nb.core.references import HostRef
from paglets_nb.core.tickets import ArrivalMode, TransferTicket
from paglets_nb.host.file_protocol import FileEntry

__all__ = [
    "Arrival",
    "Born",
    "CloneRequest",
    "CodeBundle",
    "CodeRequest",
    "CreateRequest",
    "DeactivateRequest",
    "DispatchRequest",
    "DisposeRequest",
    "FindRequest",
    "Found",
    "HostInfo",
    "Listing",
    "Members",
    "Nothing",
    "OperationInfo",
    "Outcome",
    "OutcomeRequest",
    "PagletInfo",
    "RetractRequest",
    "Settle",
    "is_verb",
]


def is_verb(kind: str) -> bool:
    """Whether a kind is a verb of the hosts rather than a message to a paglet."""
    return kind[:1] == "@"


class Nothing(Record):
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


class Born(Record):
    """Where a paglet is now."""

    agent_id: str
    host_url: str
    name: str = ""
    class_name: str = ""


class DispatchRequest(Record):
    """``@dispatch``: move a paglet.

    Attributes:
        target: a host's name or address.
        timeout: seconds for each attempt.
        retries: further attempts after the first.
        retry_interval: seconds between attempts.
        required_capabilities: contracts the target must offer.
        expected_code_version: the version the target must run; empty for any.
        inactive: it arrives asleep.
        retracted: it is called back rather than sent; ``on_reverting`` rather than ``on_dispatching``.
    """

    target: str
    timeout: float = 10.0
    retries: int = 0
    retry_interval: float = 0.25
    required_capabilities: tuple[str, ...] = ()
    expected_code_version: str = ""
    inactive: bool = False
    retracted: bool = False

    @classmethod
    def of(cls, ticket: TransferTicket, target: str, *, retracted: bool = False) -> DispatchRequest:
        """The request that a ticket stands for."""
        return cls(
            target,
            ticket.timeout,
            ticket.retries,
            ticket.retry_interval,
            tuple(ticket.required_capabilities),
            ticket.expected_code_version or "",
            ticket.arrival_mode is ArrivalMode.INACTIVE,
            retracted,
        )


@dataclass(frozen=True)
class CloneRequest:
    """``@clone``: copy a paglet; an empty target is its own host."""

    target: str = ""
    timeout: float = 10.0


@dataclass(frozen=True)
class RetractRequest:
    """``@retract``: call a paglet that lives at ``host_url`` to the host that is asked."""

    agent_id: str
    host_url: str
    timeout: float = 10.0


@dataclass(frozen=True)
class DeactivateRequest:
    """``@deactivate``: put a paglet to sleep on these terms, within ``timeout`` seconds or not at all."""

    policy: DeactivationPolicy = DeactivationPolicy()
    reason: str = ""
    timeout: float = 60.0


@dataclass(frozen=True)
class DisposeRequest:
    """``@dispose``: end a paglet, within ``timeout`` seconds or not at all."""

    timeout: float = 60.0


class Arrival(Record):
    """``@prepare``: a paglet on its way; stored by the target, not yet awake.

    Attributes:
        operation_id: makes a repeated request harmless.
        mode: ``dispatch``, ``retract`` or ``clone``.
        epoch: how often it has moved, this move included.
        source_boot: which run of the source host sends it.
        parent_id: of a clone, what it was made from.
        inactive: it arrives asleep.
        required_capabilities: contracts the target must offer.
        expected_code_version: the version the target must run; empty for any.
        applied: replies of messages it has handled, by their ids, oldest first.
        files: what travels with it, as the source saw it.
    """

    operation_id: str
    mode: str
    agent_id: str
    class_name: str
    state: dict[str, Any]
    source_url: str
    name: str = ""
    parent_id: str = ""
    epoch: int = 1
    source_boot: str = ""
    inactive: bool = False
    required_capabilities: tuple[str, ...] = ()
    expected_code_version: str = ""
    applied: list[tuple[str, bytes]] = records.field(default_factory=list)
    files: list[FileEntry] = records.field(default_factory=list)


@dataclass(frozen=True)
class OutcomeRequest:
    """``@outcome``: how did the movement end that this host began."""

    operation_id: str


@dataclass(frozen=True)
class Outcome:
    """The reply: ``commit``, ``abort`` or ``pending``, and which run of the host says so."""

    decision: str
    boot: str


class Settle(Record):
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
    """``@info``: what the host knows of a paglet.

    Attributes:
        durable: it comes back when the host's process has ended and is started again.
    """

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
    durable: bool = False


@dataclass(frozen=True)
class Listing:
    """``@list``: the paglets of a host."""

    paglets: list[PagletInfo] = field(default_factory=list)


@dataclass(frozen=True)
class HostInfo:
    """``@health``: the host itself.

    Attributes:
        paglets: those that are awake.
        uptime: seconds.
        connections: open sockets.
        asleep: paglets that are deactivated.
        cpu_seconds: of processor time that its process has used so far, all threads together.
        rss_bytes: what its process holds in memory.
        pss_bytes: its share of that, where pages are shared with other processes; 0 when unknown.
        messages: handled so far.
    """

    name: str
    url: str
    pid: int
    paglets: int
    uptime: float
    connections: int
    threads: int
    code_version: str = ""
    asleep: int = 0
    cpu_seconds: float = 0.0
    rss_bytes: int = 0
    pss_bytes: int = 0
    messages: int = 0


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
