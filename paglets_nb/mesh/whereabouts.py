"""Where everything in a mesh was at one moment, as its events tell.

Owns what each kind of event does to the picture of hosts and paglets. It asks nobody, and
must not know how the picture is drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from paglets_nb.mesh.events import MeshEvent

__all__ = ["HOST_CHANGED", "LISTED", "LOST", "HostSpot", "Names", "PagletSpot", "Whereabouts"]

HOST_CHANGED, LISTED, LOST = "host-changed", "paglet-listed", "paglet-lost"
"""Kinds of what is seen and not told by a host's log: a host's state, a paglet on a list, one on none any more."""
_KEPT_ENDED = 2000
_KEPT_NAMES = 20_000


@dataclass(frozen=True)
class HostSpot:
    """A host.

    Attributes:
        state: as of ``HostHandle.state``.
    """

    name: str
    url: str = ""
    state: str = "up"
    pid: int = 0
    reason: str = ""


@dataclass(frozen=True)
class PagletSpot:
    """A paglet.

    Attributes:
        class_name: its class's wire name; empty where it is not known.
        since: when it came there, in POSIX seconds.
    """

    agent_id: str
    host_name: str
    class_name: str = ""
    name: str = ""
    asleep: bool = False
    since: float = 0.0


class Names:
    """Classes and names of paglets by their ids; bounded, the oldest are forgotten."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[str, str]] = {}

    def learn(self, agent_id: str, class_name: str, name: str) -> None:
        """Know a paglet."""
        if agent_id not in self._known and len(self._known) >= _KEPT_NAMES:
            self._known.pop(next(iter(self._known)))
        self._known[agent_id] = class_name, name

    def of(self, agent_id: str) -> tuple[str, str]:
        """Its class's wire name and its name; empty ones of a stranger."""
        return self._known.get(agent_id, ("", ""))


class Whereabouts:
    """Hosts, and the paglets on them.

    Args:
        names: what paglets are called, also those whose creation was not seen.

    Attributes:
        hosts: by name.
        paglets: by id, in the order in which they came to where they are.
        version: counts the changes.
    """

    def __init__(self, names: Names) -> None:
        self.hosts: dict[str, HostSpot] = {}
        self.paglets: dict[str, PagletSpot] = {}
        self.version = 0
        self._names = names
        self._ended: dict[str, float] = {}

    def copy(self) -> Whereabouts:
        """One that changes by itself from now on."""
        other = Whereabouts(self._names)
        other.hosts, other.paglets, other.version = dict(self.hosts), dict(self.paglets), self.version
        other._ended = dict(self._ended)
        return other

    def host_of(self, url: str) -> str:
        """The name of the host at an address; empty for a stranger."""
        return next((host.name for host in self.hosts.values() if host.url == url), "")

    def on_host(self, name: str) -> list[PagletSpot]:
        """The paglets of a host, those that have been there longest first."""
        return [spot for spot in self.paglets.values() if spot.host_name == name]

    def disposed(self, agent_id: str) -> bool:
        """Whether a paglet was seen to be disposed."""
        return agent_id in self._ended

    # ---- what events do

    def apply(self, event: MeshEvent) -> None:
        """Bring it up to date with an event; one that says nothing of places changes nothing."""
        change = _CHANGES.get(event.kind)
        if change is not None:
            change(self, event)

    def _put(self, event: MeshEvent, host_name: str, *, asleep: bool | None = None) -> None:
        """A paglet is on a host, unless something later was told of it already."""
        agent_id, at = event.agent_id, event.timestamp
        spot = self.paglets.get(agent_id)
        if self._ended.get(agent_id, -1.0) >= at or (spot is not None and spot.since > at) or not host_name:
            return
        class_name, name = self._names.of(agent_id)
        sleeps = asleep if asleep is not None else spot is not None and spot.asleep
        fresh = PagletSpot(agent_id, host_name, class_name, name, sleeps, at)
        if spot is not None and spot.host_name == host_name:
            if replace(spot, since=at) == fresh:
                return
        else:
            self.paglets.pop(agent_id, None)  # it comes last there
        self.paglets[agent_id] = fresh
        self.version += 1

    def _created(self, event: MeshEvent) -> None:
        self._names.learn(event.agent_id, event.details.get("class_name", ""), event.details.get("name", ""))
        self._put(event, event.host_name)

    def _arrived(self, event: MeshEvent) -> None:
        self._put(event, event.host_name)

    def _left(self, event: MeshEvent) -> None:
        self._put(event, self.host_of(event.details.get("target", "")))

    def _cloned(self, event: MeshEvent) -> None:
        clone_id = event.details.get("clone_id", "")
        if not self._names.of(clone_id)[0]:
            self._names.learn(clone_id, self._names.of(event.agent_id)[0], "")
        spot = self.paglets.get(clone_id)
        if spot is not None and not spot.class_name:
            self._rename(spot)

    def _rename(self, spot: PagletSpot) -> None:
        class_name, name = self._names.of(spot.agent_id)
        self.paglets[spot.agent_id] = replace(spot, class_name=class_name, name=name)
        self.version += 1

    def _slept(self, event: MeshEvent) -> None:
        self._put(event, event.host_name, asleep=True)

    def _woke(self, event: MeshEvent) -> None:
        self._put(event, event.host_name, asleep=False)

    def _upgraded(self, event: MeshEvent) -> None:
        self._names.learn(event.agent_id, event.details.get("class_name", ""), self._names.of(event.agent_id)[1])
        if (spot := self.paglets.get(event.agent_id)) is not None:
            self._rename(spot)

    def _disposed(self, event: MeshEvent) -> None:
        self._ended[event.agent_id] = event.timestamp
        while len(self._ended) > _KEPT_ENDED:
            self._ended.pop(next(iter(self._ended)))
        self._forget(event.agent_id)

    def _forget(self, agent_id: str) -> None:
        if self.paglets.pop(agent_id, None) is not None:
            self.version += 1

    # ---- what is seen

    def _host_changed(self, event: MeshEvent) -> None:
        name, told = event.host_name, event.details
        state = str(told.get("state", "up"))
        if state == "gone":
            self.hosts.pop(name, None)
        else:
            self.hosts[name] = HostSpot(name, told.get("url", ""), state, told.get("pid", 0), told.get("reason", ""))
        if state != "up":
            self.paglets = {key: spot for key, spot in self.paglets.items() if spot.host_name != name}
        self.version += 1

    def _listed(self, event: MeshEvent) -> None:
        told = event.details
        self._names.learn(event.agent_id, told.get("class_name", ""), told.get("name", ""))
        self._put(event, event.host_name, asleep=bool(told.get("asleep")))
        spot = self.paglets.get(event.agent_id)
        if spot is not None and (spot.class_name, spot.name) != self._names.of(event.agent_id):
            self._rename(spot)

    def _lost(self, event: MeshEvent) -> None:
        spot = self.paglets.get(event.agent_id)
        if spot is not None and spot.since <= event.timestamp:
            self._forget(event.agent_id)


_CHANGES: Mapping[str, Callable[[Whereabouts, MeshEvent], None]] = {
    "create": Whereabouts._created,
    "arrival": Whereabouts._arrived,
    "dispatch": Whereabouts._left,
    "retract": Whereabouts._left,
    "clone": Whereabouts._cloned,
    "deactivate": Whereabouts._slept,
    "quarantine": Whereabouts._slept,
    "activate": Whereabouts._woke,
    "upgrade": Whereabouts._upgraded,
    "dispose": Whereabouts._disposed,
    HOST_CHANGED: Whereabouts._host_changed,
    LISTED: Whereabouts._listed,
    LOST: Whereabouts._lost,
}
