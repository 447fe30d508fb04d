"""The events of a whole mesh: those of its hosts, merged and numbered anew.

Keeps the last ``KEPT`` of them in the owner's process, those of hosts that have died
among them.
"""

from __future__ import annotations

import heapq
import threading
import time
from bisect import bisect_right
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from operator import attrgetter
from typing import Any

from paglets_nb.errors import PagletError
from paglets_nb.host.client import HostClient
from paglets_nb.host.event_pages import EventPage, EventsRequest
from paglets_nb.mesh.followers import Follower, Hosts, ask_events

__all__ = ["GAP", "MeshEvent", "MeshEvents"]

KEPT = 10_000
GAP = "gap"
"""The kind of event that stands for events which are no longer held."""
_COLLECT = 2.0
_timestamp = attrgetter("timestamp")
_number = attrgetter("number")


@dataclass(frozen=True)
class MeshEvent:
    """One thing that happened in a mesh.

    Attributes:
        number: the cursor: counts up from 1 as events reach the owner.
        kind: as of the host's event; ``gap`` where some of the host's events were not held any more.
        agent_id: the paglet it concerns; empty when none.
        host_name: where; empty for a gap in the mesh's own log.
        timestamp: POSIX seconds, on the host's clock.
        details: of a gap, ``after`` and ``first_number``, or the ``reason`` why a host's events are lost.
        host_number: the event's number on its host.
    """

    number: int
    kind: str
    agent_id: str
    host_name: str
    timestamp: float
    details: dict[str, Any] = field(default_factory=dict)
    host_number: int = 0


class MeshEvents:
    """The merged log of one mesh.

    Args:
        client: speaks to the hosts.
        hosts: lists those that are up.
    """

    def __init__(self, client: Callable[[], HostClient], hosts: Hosts) -> None:
        self._client = client
        self._hosts = hosts
        self._changed = threading.Condition(threading.Lock())
        self._events: deque[MeshEvent] = deque(maxlen=KEPT)
        self._count = 0
        self._read: dict[str, tuple[int, str]] = {}
        self._listeners: list[Callable[[MeshEvent], None]] = []
        self._follower: Follower | None = None
        self._followed_by = 0

    # ---- reading

    def events(
        self, since: int = 0, limit: int | None = None, *, wait_timeout: float = 0.0, timeout: float = _COLLECT
    ) -> list[MeshEvent]:
        """The events numbered above ``since``, oldest first; asks the hosts for what is new.

        Args:
            since: the cursor; 0 for all that is held.
            limit: at most so many, the oldest of them.
            wait_timeout: seconds to wait for a first one where there is none.
            timeout: seconds for the hosts' answers; one that is silent is left out.

        Returns:
            Events, and a ``gap`` in the place of those that are no longer held.
        """
        self.collect(timeout)
        if wait_timeout > 0 and self._count <= since:
            self._follow()
            try:
                with self._changed:
                    self._changed.wait_for(lambda: self._count > since, wait_timeout)
            finally:
                self._unfollow()
        return self._held(since)[:limit]

    def _held(self, since: int) -> list[MeshEvent]:
        with self._changed:
            held = list(self._events)
        found = held[bisect_right(held, since, key=_number) :]
        if found and since < found[0].number - 1:
            first = found[0]
            details = {"after": since, "first_number": first.number}
            return [MeshEvent(first.number - 1, GAP, "", "", first.timestamp, details), *found]
        return found

    @property
    def cursor(self) -> int:
        """The number of the last event that has come in."""
        return self._count

    def collect(self, timeout: float = _COLLECT) -> None:
        """Ask every host for what is new and merge it."""
        deadline = time.monotonic() + timeout
        asked = []
        for host in self._hosts():
            since, log_id = self._read.get(host.name, (0, ""))
            request = EventsRequest(since, log_id=log_id)
            asked.append((host.name, ask_events(self._client(), host.url, request)))
        pages: list[tuple[str, EventPage]] = []
        for name, future in asked:
            try:
                pages.append((name, future.get_reply(max(deadline - time.monotonic(), 0.0))))
            except (PagletError, OSError):
                continue  # silent, or gone: what the others tell counts
        self._merge(pages)

    # ---- merging

    def _merge(self, pages: list[tuple[str, EventPage]]) -> None:
        with self._changed:
            news = [self._new_of(name, page) for name, page in pages]
            # within a host its own order counts, whatever its clock says
            merged = [
                replace(event, number=number)
                for number, event in enumerate(heapq.merge(*news, key=_timestamp), self._count + 1)
            ]
            if not merged:
                return
            self._events.extend(merged)
            self._count = merged[-1].number
            listeners = list(self._listeners)
            self._changed.notify_all()
        for listener in listeners:
            for event in merged:
                listener(event)

    def _new_of(self, name: str, page: EventPage) -> list[MeshEvent]:
        """What of a page has not been merged before, unnumbered; a gap first where there is one."""
        read, log_id = self._read.get(name, (0, ""))
        if page.log_id != log_id:
            read = 0
        fresh = [event for event in page.events if event.number > read]
        found = [MeshEvent(0, e.kind, e.agent_id, e.host_name, e.timestamp, e.details, e.number) for e in fresh]
        if page.first_number > read + 1 and page.next_since > read:
            at = fresh[0].timestamp if fresh else time.time()
            details = {"after": read, "first_number": page.first_number}
            found.insert(0, MeshEvent(0, GAP, "", name, at, details))
        self._read[name] = max(read, page.next_since), page.log_id
        return found

    def note_gap(self, host_name: str, reason: str) -> None:
        """Note that events of a host are lost, with the host that held them.

        Args:
            host_name: the host's.
            reason: why they are.
        """
        with self._changed:
            self._count += 1
            details = {"after": 0, "reason": reason}
            self._events.append(MeshEvent(self._count, GAP, "", host_name, time.time(), details))
            self._changed.notify_all()

    # ---- following

    def add_listener(self, listener: Callable[[MeshEvent], None]) -> Callable[[], None]:
        """Call ``listener`` with each event from now on, on the loop's thread; it must neither block nor raise.

        Returns:
            Takes it off again.
        """
        self.collect()
        with self._changed:
            self._listeners.append(listener)
        self._follow()

        def remove() -> None:
            with self._changed:
                if listener not in self._listeners:
                    return
                self._listeners.remove(listener)
            self._unfollow()

        return remove

    def _follow(self) -> None:
        with self._changed:
            self._followed_by += 1
            if self._follower is None:
                self._follower = Follower(self._client(), self._hosts, lambda name, page: self._merge([(name, page)]))
                self._follower.resume(self._read)
            self._follower.start()

    def _unfollow(self) -> None:
        with self._changed:
            self._followed_by = max(self._followed_by - 1, 0)
            if self._followed_by == 0:
                self._stop_following()

    def _stop_following(self) -> None:
        follower, self._follower = self._follower, None
        if follower is not None:
            follower.stop()

    def close(self) -> None:
        """Follow no more; what is held stays."""
        with self._changed:
            self._listeners.clear()
            self._stop_following()
            self._followed_by = 0
            self._changed.notify_all()
