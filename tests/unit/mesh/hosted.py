"""A mesh as its readers see it, over real hosts of this process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from paglets_nb.host.client import HostClient
from paglets_nb.host.host import Host
from paglets_nb.mesh.events import MeshEvent, MeshEvents
from paglets_nb.mesh.followers import HostAddress
from paglets_nb.testing import in_process_mesh


@dataclass
class HostedHost:
    """What a mesh tells of a host."""

    name: str
    url: str
    state: str = "up"
    pid: int = 1
    reason: str = ""
    restarts: int = 0
    lost: tuple[str, ...] = ()

    def paglet_count(self) -> int:
        """Not asked for here."""
        return 0


@dataclass
class HostedMesh:
    """Hosts of this process, with the log and the client of a mesh."""

    inside: list[Host]
    client: HostClient = field(default_factory=HostClient)
    running: bool = True
    name: str = "hosted"
    supervisor: Any = None

    def __post_init__(self) -> None:
        self.handles = [HostedHost(host.name, host.address) for host in self.inside]
        self.event_log = MeshEvents(lambda: self.client, self._up)

    def _up(self) -> list[HostAddress]:
        return [HostAddress(handle.name, handle.url) for handle in self.handles if handle.state == "up"]

    def hosts(self) -> list[HostedHost]:
        """Its hosts."""
        return list(self.handles)

    def __getitem__(self, name: str) -> HostedHost:
        return next(handle for handle in self.handles if handle.name == name)

    def events(self, since: int = 0) -> list[MeshEvent]:
        """Its events."""
        return self.event_log.events(since)


@contextmanager
def hosted_mesh() -> Iterator[HostedMesh]:
    """A mesh of alpha and beta."""
    with in_process_mesh() as hosts:
        mesh = HostedMesh(hosts)
        try:
            yield mesh
        finally:
            mesh.event_log.close()
            mesh.client.close()
