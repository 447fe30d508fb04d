"""What fills the history of a mesh: its events as they come, and looks at what they do not tell.

Owns the listener at the mesh's event log, and the looks at which hosts there are and which
paglets they list: after a gap in the events, when hosts come, and now and then.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from paglets_nb.core.messages import Message
from paglets_nb.core.ports import CallOptions
from paglets_nb.core.proxy import PagletProxy
from paglets_nb.errors import PagletError
from paglets_nb.host.protocol import Listing, Nothing, PagletInfo
from paglets_nb.mesh.events import GAP, MeshEvent
from paglets_nb.mesh.history import MeshHistory
from paglets_nb.mesh.whereabouts import HOST_CHANGED, LISTED, LOST, HostSpot, PagletSpot

if TYPE_CHECKING:
    from paglets_nb.mesh.mesh import Mesh

__all__ = ["HistoryFeed"]

_HELD = 20_000
_LISTING_TIMEOUT = 2.0
_LOOK_AGAIN = 15.0
"""Seconds after which the hosts are asked for their paglets though nothing calls for it."""


class HistoryFeed:
    """Fills a history while it is open.

    Args:
        mesh: the mesh.
        history: takes what happens.
        on_news: called when there is something to take in; must not block. It runs on the loop's thread.
    """

    def __init__(self, mesh: Mesh, history: MeshHistory, on_news: Callable[[], None]) -> None:
        self._mesh = mesh
        self._history = history
        self._on_news = on_news
        self._incoming: deque[MeshEvent] = deque(maxlen=_HELD)
        self._cursor = 0
        self._hosts: dict[str, HostSpot] = {}
        self._missing: set[str] = set()
        self._listed_at = 0.0
        self._wants_listing = False
        self._remove: Callable[[], None] | None = None

    # ---- opening and closing

    def open(self) -> None:
        """Take in what is held already, and listen from now on; asks every host, for at most some seconds."""
        self._remove = self._mesh.event_log.add_listener(self._hear)
        self.read()

    def read(self) -> None:
        """Take in what is held already; asks every host, for at most some seconds."""
        self._history.begin_with(self._changes_of_hosts())
        self._history.add(self._fresh(self._mesh.events()))
        infos, _answered, at = self._ask()
        known = self._history.now().paglets
        self._history.begin_with(self._listed(info, -0.5) for info in infos if info.agent_id not in known)
        self._history.add(self._listed(info, at) for info in infos if info.agent_id in known)
        self._wants_listing = False

    def close(self) -> None:
        """Listen no more; harmless when repeated."""
        remove, self._remove = self._remove, None
        if remove is not None:
            remove()

    def _hear(self, event: MeshEvent) -> None:
        self._incoming.append(event)
        self._on_news()

    # ---- taking in

    def take_in(self) -> None:
        """Hand what has come to the history; asks nobody."""
        events = []
        while self._incoming:
            events.append(self._incoming.popleft())
        self._history.add(self._fresh(events))

    def _fresh(self, events: Iterable[MeshEvent]) -> list[MeshEvent]:
        fresh = [event for event in events if event.number > self._cursor]
        if fresh:
            self._wants_listing |= fresh[0].number > self._cursor + 1 or any(event.kind == GAP for event in fresh)
            self._cursor = fresh[-1].number
        return fresh

    # ---- looking

    def look(self) -> None:
        """See which hosts there are, and ask them for their paglets where that is called for; may block."""
        changes = self._changes_of_hosts()
        if changes:
            self._history.add(changes)
            self._on_news()
        if self._wants_listing or time.monotonic() - self._listed_at > _LOOK_AGAIN:
            self._compare()

    def _changes_of_hosts(self) -> list[MeshEvent]:
        handles = self._mesh.hosts() if self._mesh.running else []
        seen = {h.name: HostSpot(h.name, h.url, h.state, h.pid or 0, h.reason) for h in handles}
        changed = [spot for name, spot in seen.items() if self._hosts.get(name) != spot]
        gone = [HostSpot(name, state="gone") for name in self._hosts if name not in seen]
        self._wants_listing |= any(spot.state == "up" for spot in changed)
        self._hosts = seen
        return [self._host_changed(spot) for spot in (*changed, *gone)]

    def _host_changed(self, spot: HostSpot) -> MeshEvent:
        told = {"state": spot.state, "url": spot.url, "pid": spot.pid, "reason": spot.reason}
        return MeshEvent(0, HOST_CHANGED, "", spot.name, time.time(), told)

    @staticmethod
    def _listed(info: PagletInfo, at: float) -> MeshEvent:
        told = {"class_name": info.class_name, "name": info.name, "asleep": not info.active}
        return MeshEvent(0, LISTED, info.agent_id, info.host_name, at, told)

    def _ask(self) -> tuple[list[PagletInfo], set[str], float]:
        """Every host's paglets, who answered, and when they were asked in POSIX seconds."""
        self._listed_at, at = time.monotonic(), time.time()
        client, asked, infos, answered = self._mesh.client, [], list[PagletInfo](), set[str]()
        for name, spot in list(self._hosts.items()):
            if spot.state == "up":
                request = Message("@list", Nothing(), priority=0)
                options = CallOptions(_LISTING_TIMEOUT, Listing)
                asked.append((name, client.submit(PagletProxy(spot.url, "", client), request, options)))
        deadline = time.monotonic() + _LISTING_TIMEOUT
        for name, future in asked:
            try:
                infos.extend(future.get_reply(max(0.0, deadline - time.monotonic())).paglets)
                answered.add(name)
            except (PagletError, OSError):
                continue  # silent or gone: what was known of it stays
        return infos, answered, at

    def _compare(self) -> None:
        """Take in what the hosts' lists say and the events did not."""
        self._wants_listing = False
        infos, answered, at = self._ask()
        known, listed = self._history.now().paglets, {info.agent_id for info in infos}
        found = [self._listed(info, at) for info in infos if not self._is_known(info, known)]
        missing = {key for key, spot in known.items() if spot.host_name in answered and key not in listed}
        # one that moves while they are asked is on no list; one that is missing twice is gone
        lost = [MeshEvent(0, LOST, key, known[key].host_name, at) for key in missing & self._missing]
        self._missing = missing
        self._wants_listing = bool(missing - {event.agent_id for event in lost})
        if found or lost:
            self._history.add([*found, *lost])
            self._on_news()

    @staticmethod
    def _is_known(info: PagletInfo, known: dict[str, PagletSpot]) -> bool:
        spot = known.get(info.agent_id)
        told = (info.host_name, info.class_name, info.name, not info.active)
        return spot is not None and told == (spot.host_name, spot.class_name, spot.name, spot.asleep)
