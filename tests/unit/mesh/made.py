"""What mesh tests make by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import SimpleNamespace

import anyio

from paglets_nb.host.client import HostClient
from paglets_nb.host.host import Host
from paglets_nb.mesh.changes import Changes, Watched
from paglets_nb.mesh.followers import HostAddress
from paglets_nb.mesh.notifications import Notifications
from paglets_nb.mesh.records import HostRecord


def new_record(name: str, restarts: int = 3) -> HostRecord:
    """A host's record, made on a loop as the supervisor does."""

    async def make() -> HostRecord:
        return HostRecord(name, restarts)

    return anyio.run(make)


@dataclass
class PlainHandle:
    """A host as a mesh's user holds it, which is looked at only."""

    name: str
    url: str
    state: str = "up"
    reason: str = ""
    restarts: int = 0
    pid: int = 1
    lost: tuple[str, ...] = ()


class PlainMesh(Watched):
    """A mesh over hosts that somebody else started; it is looked at only."""

    def __init__(self, hosts: Sequence[Host]) -> None:
        self.name = "plain"
        self.running = True
        self.supervisor = SimpleNamespace(changes=Changes())
        self.client = HostClient()
        self.handles = [PlainHandle(host.name, host.address) for host in hosts]
        addresses = [HostAddress(host.name, host.address) for host in hosts]
        self.notifications = Notifications(lambda: self.client, lambda: addresses, None)
        self.notifications.start()

    def hosts(self) -> list[PlainHandle]:
        """Its hosts."""
        return list(self.handles)

    def change(self) -> None:
        """Tell that something changed."""
        self.supervisor.changes.tell()

    def _explain(self, _url: str) -> str:
        return ""

    def close(self) -> None:
        """Look no more."""
        self.running = False
        self.notifications.close()
        self.client.close()
