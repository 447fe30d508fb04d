"""What a host knows of the others: the members of its mesh as last told."""

from __future__ import annotations

import threading

from paglets_nb.core.references import HostRef
from paglets_nb.errors import UnknownHostError

__all__ = ["MemberTable"]


class MemberTable:
    """The hosts of the mesh; replaced whole, newer epochs win."""

    def __init__(self) -> None:
        self._changed = threading.Condition(threading.Lock())
        self._epoch = -1
        self._hosts: dict[str, HostRef] = {}

    def update(self, epoch: int, hosts: list[HostRef]) -> bool:
        """Take over a newer view; False for one that is older than ours."""
        with self._changed:
            if epoch < self._epoch:
                return False
            self._epoch = epoch
            self._hosts = {host.name: host for host in hosts}
            self._changed.notify_all()
            return True

    def hosts(self, *, online_only: bool = True) -> list[HostRef]:
        """The hosts, in the order in which they joined."""
        with self._changed:
            return [host for host in self._hosts.values() if host.online or not online_only]

    def find(self, name_or_url: str) -> HostRef | None:
        """A host by name or address."""
        with self._changed:
            found = self._hosts.get(name_or_url)
            if found is not None:
                return found
            return next((host for host in self._hosts.values() if host.url == name_or_url), None)

    def resolve(self, name_or_url: str) -> str:
        """The address of a host by name or address; UnknownHostError for a stranger or one offline."""
        if "://" in name_or_url:
            return name_or_url
        found = self.find(name_or_url)
        if found is None or not found.online:
            raise UnknownHostError(name_or_url, [host.name for host in self.hosts()])
        return found.url

    def wait_for(self, name: str, timeout: float) -> HostRef:
        """Wait until a host is online."""

        def online() -> HostRef | None:
            found = self._hosts.get(name)
            return found if found is not None and found.online else None

        with self._changed:
            found = self._changed.wait_for(online, timeout)
        if found is None:
            raise UnknownHostError(name, [host.name for host in self.hosts()])
        return found
