"""What happened on a host: a bounded, numbered log."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

__all__ = ["EventLog", "HostEvent"]

KEPT = 1000


@dataclass(frozen=True)
class HostEvent:
    """One thing that happened.

    Attributes:
        number: counts up from 1 on each host.
        kind: create, arrival, dispatch, clone, dispose, failure.
        timestamp: POSIX seconds.
    """

    number: int
    kind: str
    agent_id: str
    host_name: str
    timestamp: float
    details: dict[str, Any] = field(default_factory=dict)


class EventLog:
    """The last ``KEPT`` events of a host.

    Args:
        host_name: stands in each event.
    """

    def __init__(self, host_name: str) -> None:
        self._host_name = host_name
        self._lock = threading.Lock()
        self._events: deque[HostEvent] = deque(maxlen=KEPT)
        self._count = 0
        self._listeners: list[Callable[[HostEvent], None]] = []

    def record(self, kind: str, agent_id: str, **details: Any) -> None:
        """Add an event and tell the listeners."""
        with self._lock:
            self._count += 1
            event = HostEvent(self._count, kind, agent_id, self._host_name, time.time(), details)
            self._events.append(event)
            listeners = list(self._listeners)
        for listener in listeners:
            listener(event)

    def list_events(self, since: int = 0, limit: int | None = None) -> list[HostEvent]:
        """Events numbered above ``since``, oldest first."""
        with self._lock:
            first = self._count - len(self._events)
            return list(islice(self._events, max(0, since - first), None))[:limit]

    def add_listener(self, listener: Callable[[HostEvent], None]) -> Callable[[], None]:
        """Call ``listener`` with each event; the returned function takes it off again."""
        with self._lock:
            self._listeners.append(listener)

        def remove() -> None:
            with self._lock:
                self._listeners.remove(listener)

        return remove
