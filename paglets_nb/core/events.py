"""What the lifecycle hooks of a paglet are told."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

__all__ = [
    "CloneEvent",
    "CreationEvent",
    "DisposalEvent",
    "LifecycleEvent",
    "MobilityEvent",
    "PersistencyEvent",
]


@dataclass(frozen=True)
class LifecycleEvent:
    """Base of the events.

    Attributes:
        agent_id: the paglet the step is about.
        host_name: the host where the hook runs.
    """

    agent_id: str = ""
    host_name: str = ""


@dataclass(frozen=True)
class CreationEvent(LifecycleEvent):
    """A paglet was made.

    Attributes:
        init: what its creator handed over, None when nothing.
    """

    init: Any = None


@dataclass(frozen=True)
class MobilityEvent(LifecycleEvent):
    """A paglet is leaving (``on_dispatching``, ``on_reverting``) or has come (``on_arrival``).

    Attributes:
        source: the host it leaves or left, by address.
        target: the host it goes or went to, by address.
    """

    source: str = ""
    target: str = ""


@dataclass(frozen=True)
class CloneEvent(LifecycleEvent):
    """A paglet is about to be cloned, is a new clone, or has been cloned.

    Attributes:
        clone_id: the new paglet's id.
        parent_id: the id of the paglet it was made from.
        target: the host of the clone, by address.
    """

    clone_id: str = ""
    parent_id: str = ""
    target: str = ""


@dataclass(frozen=True)
class PersistencyEvent(LifecycleEvent):
    """A paglet goes to sleep or wakes."""

    reason: str = ""


@dataclass(frozen=True)
class DisposalEvent(LifecycleEvent):
    """A paglet is about to end."""

    details: dict[str, Any] = field(default_factory=dict)
