"""Which paglets went with the process of a host.

Remembers what lives where, of the steps that hosts log and of what was created here, and
compares when a host has ended. It is never on the path of a call; it must not know who is told.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Sequence
from functools import partial

from paglets_nb.core.messages import FutureReply, Message
from paglets_nb.core.ports import CallOptions
from paglets_nb.core.proxy import PagletProxy
from paglets_nb.errors import PagletError
from paglets_nb.host.client import HostClient
from paglets_nb.host.event_pages import EventPage, EventsRequest
from paglets_nb.host.protocol import Listing, Nothing
from paglets_nb.mesh.asking import ask_hosts
from paglets_nb.mesh.events import MeshEvent
from paglets_nb.mesh.followers import Follower, Hosts
from paglets_nb.mesh.whereabouts import HOST_CHANGED, LISTED, HostSpot, Names, PagletSpot, Whereabouts

__all__ = ["Losses", "listed_names"]

_STEPS = (
    "create",
    "arrival",
    "dispatch",
    "retract",
    "clone",
    "deactivate",
    "quarantine",
    "activate",
    "upgrade",
    "dispose",
)
_PAUSE = 0.25
"""Seconds between two looks at a host, so that one where much is created is not asked each time."""
_FEW = 50
_ANSWER = 2.0
_NAMED = 5
_KEPT_LOST = 2000


def listed_names(names: Sequence[str], most: int = _NAMED) -> str:
    """Names in one line: the first, and how many more there are."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")


def _label(spot: PagletSpot) -> str:
    kind = spot.class_name.partition("#")[0].rpartition(":")[2].rpartition(".")[2]
    return spot.name or f"{kind or 'paglet'} {spot.agent_id}"


class Losses:
    """Knows which paglets live on the hosts of a mesh, and which of them a host took along.

    Args:
        client: speaks to the hosts.
        hosts: lists those that are up.
    """

    def __init__(self, client: Callable[[], HostClient], hosts: Hosts) -> None:
        self._client = client
        self._hosts = hosts
        self._lock = threading.Lock()
        self._where = Whereabouts(Names())
        self._lost: dict[str, PagletSpot] = {}
        self._follower: Follower | None = None

    def start(self) -> None:
        """Begin to follow what lives where."""
        with self._lock:
            if self._follower is None:
                request = EventsRequest(kinds=_STEPS, messages=False, all_or_gap=True)
                self._follower = Follower(
                    self._client(), self._hosts, self._take, request, pause=_PAUSE, limit=self._most
                )
                self._follower.start()

    def close(self) -> None:
        """Follow no more, and forget."""
        with self._lock:
            follower, self._follower = self._follower, None
            self._where, self._lost = Whereabouts(Names()), {}
        if follower is not None:
            follower.stop()

    # ---- what is known

    def created(self, host_name: str, proxy: PagletProxy) -> None:
        """A paglet was created from here; its host tells the same in a moment."""
        told = {"class_name": proxy.class_name, "name": proxy.name}
        self._apply(MeshEvent(0, "create", proxy.agent_id, host_name, 0.0, told))

    def _apply(self, *events: MeshEvent) -> None:
        with self._lock:
            for event in events:
                self._where.apply(event)

    def _most(self, host_name: str) -> int:
        """The steps of a host that are worth reading: where there are more, to list what it has costs less."""
        with self._lock:
            return max(_FEW, len(self._where.on_host(host_name)))

    def _take(self, host_name: str, page: EventPage) -> None:
        with self._lock:
            for host in self._hosts():
                self._where.hosts[host.name] = HostSpot(host.name, host.url)
        self._apply(
            *(MeshEvent(0, e.kind, e.agent_id, host_name, e.timestamp, e.details, e.number) for e in page.events)
        )
        if page.gap:
            url = next((host.url for host in self._hosts() if host.name == host_name), "")
            if url:
                self._list(url).add_done_callback(partial(self._listed, host_name))

    def _list(self, url: str) -> FutureReply:
        client = self._client()
        message = Message("@list", Nothing(), priority=0)
        return client.submit(PagletProxy(url, "", client), message, CallOptions(_ANSWER, Listing))

    def _listed(self, host_name: str, future: FutureReply) -> None:
        """After a gap: what the host lists is all that lives there."""
        try:
            paglets = future.get_reply(0.0).paglets
        except (PagletError, OSError):
            return  # it is going down, or silent
        there = {info.agent_id for info in paglets}
        with self._lock:
            for spot in self._where.on_host(host_name):
                if spot.agent_id not in there:
                    del self._where.paglets[spot.agent_id]
        for info in paglets:
            told = {"class_name": info.class_name, "name": info.name, "asleep": not info.active}
            self._apply(MeshEvent(0, LISTED, info.agent_id, host_name, 0.0, told))

    # ---- what is lost

    def ended(self, host_name: str) -> list[PagletSpot]:
        """A host's process has ended, or is about to: what lived there, which is forgotten."""
        with self._lock:
            found = self._where.on_host(host_name)
        self._apply(MeshEvent(0, HOST_CHANGED, "", host_name, 0.0, {"state": "gone"}))
        return found

    def lost(self, spots: Collection[PagletSpot], stored: Collection[str]) -> list[str]:
        """What no host lists and is not stored either, by name; asks the hosts that are up, may block.

        Args:
            spots: what lived on a host that has ended.
            stored: the ids of those that wait in its store.
        """
        missing = {spot.agent_id: spot for spot in spots if spot.agent_id not in stored}
        if not missing:
            return []
        for _name, listing in ask_hosts(self._client(), self._hosts(), "@list", Listing, _ANSWER):
            for info in () if listing is None else listing.paglets:
                missing.pop(info.agent_id, None)
        with self._lock:
            self._lost.update(missing)
            while len(self._lost) > _KEPT_LOST:
                self._lost.pop(next(iter(self._lost)))
        return [_label(spot) for spot in missing.values()]

    def fate(self, key: str) -> str:
        """What became of a paglet that no host has, by its id or name; empty where that is not known."""
        with self._lock:
            spot = self._lost.get(key) or next((spot for spot in self._lost.values() if spot.name == key), None)
            if spot is not None:
                return f"it was lost when the process of {spot.host_name} ended"
            return "it was disposed" if self._where.disposed(key) else ""
