"""Events of a host as they are read: one by one, by the page, with the gaps between them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

__all__ = [
    "DELIVERED",
    "EVENT_KINDS",
    "EVENT_VERB",
    "FAILED",
    "KEPT",
    "EventGap",
    "EventPage",
    "EventsRequest",
    "HostEvent",
]

KEPT = 1000
"""Events a host keeps."""
EVENT_VERB = "@events"
DELIVERED, FAILED = "message-delivered", "message-failed"
EVENT_KINDS = (
    "create",
    "arrival",
    "dispatch",
    "clone",
    "retract",
    "deactivate",
    "activate",
    "upgrade",
    "dispose",
    "quarantine",
    DELIVERED,
    FAILED,
    "service-advertised",
    "service-withdrawn",
    "service-started",
    "service-ended",
    "transfer-failed",
    "notification",
    "failure",
)
"""The kinds of event that a host records."""


@dataclass(frozen=True)
class HostEvent:
    """One thing that happened.

    Attributes:
        number: counts up from 1 on each host.
        kind: one of ``EVENT_KINDS``; ``failure`` stands for what went wrong elsewhere than in a message.
        agent_id: the paglet it concerns; empty when none.
        timestamp: POSIX seconds.
        details: of a message ``message`` (its kind), ``sender`` (a paglet's id; empty from outside),
            ``seconds`` (how long its handler ran, once somebody reads the log) and, where it failed, ``error``.
    """

    number: int
    kind: str
    agent_id: str
    host_name: str
    timestamp: float
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class EventGap:
    """Stands in a subscription for events that are no longer held.

    Attributes:
        after: the number the subscriber had.
        first_number: from here on nothing is missing.
    """

    after: int
    first_number: int


@dataclass(frozen=True)
class EventsRequest:
    """``@events``: the events after a number, waited for where there are none.

    Attributes:
        since: the number the reader has; 0 for all that is held.
        limit: events in one reply.
        wait_timeout: seconds to wait for a first one, at most 60.
        kinds: only these; empty for all.
        messages: whether messages are wanted.
        log_id: the log ``since`` counts in; another one (its host began anew) is read from its start.
        all_or_gap: where there are more than ``limit``, none of them and a gap to the last, for who can do
            without: to ask how things stand is then the cheaper way.
    """

    since: int = 0
    limit: int = KEPT
    wait_timeout: float = 0.0
    kinds: tuple[str, ...] = ()
    messages: bool = True
    log_id: str = ""
    all_or_gap: bool = False


@dataclass(frozen=True)
class EventPage:
    """The reply: events in order.

    Attributes:
        events: those asked for; some from before ``first_number`` may still be among them.
        next_since: what to ask for next.
        first_number: from here on nothing is missing; above ``since`` + 1 there is a gap.
        gap: whether there is one.
        log_id: the log the numbers count in.
    """

    events: list[HostEvent] = field(default_factory=list)
    next_since: int = 0
    first_number: int = 1
    gap: bool = False
    log_id: str = ""
