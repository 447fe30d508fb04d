"""What happened in a mesh as moments that can be gone back to.

Keeps the latest moments and where everything was before the first of them, so that the
whereabouts at any held moment can be rebuilt. Messages of one kind that follow each other
closely are one moment, so that traffic does not push the rest out.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice

from paglets_nb.host.event_pages import DELIVERED, FAILED
from paglets_nb.mesh.events import MeshEvent
from paglets_nb.mesh.whereabouts import Names, Whereabouts

__all__ = ["MeshHistory", "Moment"]

KEPT = 5000
_TOGETHER = 0.1
"""Seconds from the first to the last of the messages that are one moment."""
MESSAGES = frozenset((DELIVERED, FAILED))


@dataclass
class Moment:
    """One thing that happened, or several messages of one kind.

    Attributes:
        number: counts up from 1.
        event: what happened; of several messages the first.
        count: how many messages it stands for.
    """

    number: int
    event: MeshEvent
    count: int = field(default=1)

    @property
    def is_message(self) -> bool:
        """Whether it is messages that were handled."""
        return self.event.kind in MESSAGES


class MeshHistory:
    """The latest moments of a mesh, and where everything was at each.

    Args:
        kept: moments held; what older ones did is kept as the beginning.

    Attributes:
        names: what the paglets are called.
    """

    def __init__(self, kept: int = KEPT) -> None:
        self.names = Names()
        self._kept = kept
        self._lock = threading.Lock()
        self._moments: deque[Moment] = deque()
        self._count = 0
        self._together: dict[tuple[str, str, str, str], Moment] = {}
        self._beginning = Whereabouts(self.names)
        self._now = Whereabouts(self.names)

    @property
    def last(self) -> int:
        """The number of the last moment; 0 where nothing has happened."""
        return self._count

    @property
    def first(self) -> int:
        """The number of the moment before the first that is held: as far back as ``at`` goes."""
        return self._count - len(self._moments)

    @property
    def version(self) -> int:
        """Changes with the whereabouts now."""
        return self._now.version

    def add(self, events: Iterable[MeshEvent]) -> None:
        """Take in what happened, in the order in which it was told."""
        with self._lock:
            for event in events:
                self._add(event)

    def _add(self, event: MeshEvent) -> None:
        if event.kind in MESSAGES:
            told = event.details
            key = event.kind, told.get("sender", ""), event.agent_id, told.get("message", "")
            earlier = self._together.get(key)
            if earlier is not None and event.timestamp - earlier.event.timestamp < _TOGETHER:
                earlier.count += 1
                return
        else:
            self._together.clear()
            self._now.apply(event)
        self._count += 1
        moment = Moment(self._count, event)
        self._moments.append(moment)
        if moment.is_message:
            self._together[key] = moment
            if len(self._together) > self._kept:
                self._together.clear()
        while len(self._moments) > self._kept:
            self._beginning.apply(self._moments.popleft().event)

    def seal(self) -> int:
        """Let no moment stand for more messages than it does now; the number of the last one."""
        with self._lock:
            self._together.clear()
            return self._count

    def begin_with(self, events: Iterable[MeshEvent]) -> None:
        """Take in what was so before the first moment that is held."""
        with self._lock:
            for event in events:
                self._beginning.apply(event)
                self._now.apply(event)

    def now(self) -> Whereabouts:
        """Where everything is."""
        with self._lock:
            return self._now.copy()

    def at(self, number: int) -> Whereabouts:
        """Where everything was when a moment had just happened.

        Args:
            number: of the moment; one before the first that is held stands for what was before it.
        """
        with self._lock:
            found = self._beginning.copy()
            steps = max(0, number - (self._count - len(self._moments)))
            for moment in islice(self._moments, steps):
                if not moment.is_message:
                    found.apply(moment.event)
            return found

    def moment(self, number: int) -> Moment | None:
        """The moment of a number; None where it is not held."""
        with self._lock:
            place = number - (self._count - len(self._moments)) - 1
            return self._moments[place] if 0 <= place < len(self._moments) else None

    def since(self, number: int, limit: int) -> list[Moment]:
        """The moments numbered above ``number``, at most ``limit`` of them, the latest."""
        with self._lock:
            fresh = min(self._count - number, len(self._moments), limit)
            return list(islice(reversed(self._moments), max(fresh, 0)))[::-1]
