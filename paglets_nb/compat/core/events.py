"""What the lifecycle hooks are told."""

from __future__ import annotations

from paglets_nb.core.events import (
    CloneEvent,
    CreationEvent,
    DisposalEvent,
    LifecycleEvent,
    MobilityEvent,
    PersistencyEvent,
)

__all__ = [
    "CloneEvent",
    "CreationEvent",
    "DisposalEvent",
    "LifecycleEvent",
    "MobilityEvent",
    "PersistencyEvent",
]
