"""The host, made with the reference's keywords."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from paglets_nb.core.values import new_message_id
from paglets_nb.host.host import Host as _Host
from paglets_nb.host.storage import DEFAULT_QUOTA, HostStorage

__all__ = ["Host"]


class Host(_Host):
    """A host as the reference makes it.

    It listens on a Unix socket, so ``host`` and ``port`` are kept but not used. Hosts of
    this process see each other when they have the same ``mesh`` and ``mesh_version``, or
    when one names the other among its ``peers``.

    Args:
        name: unique in the mesh.
        host: where the reference would listen.
        port: where the reference would listen.
        mesh: the mesh's name; None stands alone but for ``peers``.
        mesh_multicast: False joins no mesh by its name, only by ``peers``.
        mesh_version: hosts of another version are in another mesh.
        peers: other hosts of this process, or their addresses.
        persistence_dir: what lasts is kept in a folder of the host's name in it; None keeps nothing.
        persistent_storage_quota_bytes: what the paglets of a class may keep.
        **options: further arguments of ``paglets_nb.Host``.
    """

    def __init__(
        self,
        name: str,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        mesh: str | None = None,
        mesh_multicast: bool = True,
        mesh_version: str | None = None,
        peers: Iterable[_Host | str] = (),
        persistence_dir: str | os.PathLike[str] | None = None,
        persistent_storage_quota_bytes: int = DEFAULT_QUOTA,
        **options: Any,
    ) -> None:
        shared = mesh_multicast and mesh is not None
        group = f"{mesh}@{mesh_version or ''}" if shared else f"{name}-{new_message_id()}"
        if persistence_dir is not None:
            folder = Path(persistence_dir) / name
            folder.mkdir(parents=True, exist_ok=True)
            options.setdefault("data_dir", folder)
        super().__init__(name, mesh=group, **options)
        self.listen_host = host
        self.listen_port = port
        self.peers = [peer if isinstance(peer, str) else peer.address for peer in peers]
        self.storage = HostStorage(self.data_dir, quota_bytes=persistent_storage_quota_bytes)

    def start_background(self) -> Host:
        """Listen, and join the mesh of the first peer that runs; returns itself."""
        with self._by_mesh_lock:
            running = [host for hosts in self._by_mesh.values() for host in hosts.values()]
        for other in running:
            if other.address in self.peers or (isinstance(other, Host) and self.address in other.peers):
                self.mesh = other.mesh
                break
        super().start_background()
        return self
