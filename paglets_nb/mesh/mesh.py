"""The mesh as its user holds it: hosts by name, paglets on them."""

from __future__ import annotations

import builtins
import os
import secrets
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from paglets_nb.core.paglet import Paglet
from paglets_nb.core.proxy import PagletProxy
from paglets_nb.core.state import PagletState
from paglets_nb.core.values import DEFAULT_TIMEOUT
from paglets_nb.errors import InvalidAgentError, MeshError, UnknownHostError
from paglets_nb.host.host import create_request
from paglets_nb.host.loop import loop_thread
from paglets_nb.host.protocol import PagletInfo
from paglets_nb.mesh.asking import LISTED, Listed, healths, list_paglets
from paglets_nb.mesh.cancelling import Cancels
from paglets_nb.mesh.changes import Watched
from paglets_nb.mesh.classes import KnowsClasses
from paglets_nb.mesh.detaching import Detachable
from paglets_nb.mesh.events import MeshEvent
from paglets_nb.mesh.handles import HostHandle
from paglets_nb.mesh.naming import MAX_HOSTS, checked_mesh_name, host_names
from paglets_nb.mesh.records import HostRecord
from paglets_nb.mesh.runtime_files import RuntimeFolder, detached_meshes
from paglets_nb.mesh.stored import named_data
from paglets_nb.mesh.supervised import running_meshes
from paglets_nb.mesh.supervisor import START_TIMEOUT, Supervisor

__all__ = ["HostHandle", "Mesh", "running_meshes"]


class Mesh(Detachable, Cancels, KnowsClasses, Watched):
    """Hosts in kernels, and the paglets on them.

    Use it as a context manager, or call ``start`` and ``stop``. The end of the block stops
    it, or lets go of it where it may outlive this process.

    Args:
        hosts: how many, or their names.
        name: the mesh's name; a new one when None.
        engine: what starts the hosts.
        data_dir: a folder for what outlives the hosts; a named mesh has one of its own, and
            finds its durable and sleeping paglets there when it starts again.
        restarts: how often a host that died is started again within 60 s.
        timeout: default seconds a call waits for its reply.
        detach: its hosts outlive this process, and ``Mesh.attach`` finds them again; see ``detach``.
    """

    def __init__(
        self,
        hosts: int | Sequence[str] = 2,
        *,
        name: str | None = None,
        engine: str = "local",
        data_dir: str | os.PathLike[str] | None = None,
        restarts: int = 5,
        timeout: float = DEFAULT_TIMEOUT,
        detach: bool = False,
    ) -> None:
        self._wanted = host_names(hosts)
        folder = Path(data_dir) if data_dir is not None else None
        if folder is None and name is not None:
            folder = named_data(name)
        super().__init__(checked_mesh_name(name or f"mesh-{secrets.token_hex(3)}"), engine, folder, restarts, timeout)
        self._outlives = detach

    # ---- start and stop

    def start(self, on_progress: Callable[[HostHandle], None] | None = None) -> Mesh:
        """Start the hosts, side by side.

        Args:
            on_progress: called with each host as it comes up, from another thread.

        Raises:
            MeshError: a host did not start, or a mesh of this name is running.
        """
        self._bring_up(RuntimeFolder, Supervisor.start, self._wanted, self._telling(on_progress), self.stop)
        self.notifications.start()
        return self

    def __enter__(self) -> Mesh:
        return self if self.running else self.start()

    def __exit__(self, *_exc: object) -> None:
        self.release()

    @staticmethod
    def list() -> builtins.list[str]:
        """The names of the meshes this process runs, and of those that are detached and can be attached.

        ``paglets_nb.mesh.known`` tells of those that other processes hold, too.
        """
        return sorted({*(mesh.name for mesh in running_meshes()), *detached_meshes()})

    # ---- hosts

    def hosts(self) -> builtins.list[HostHandle]:
        """Its hosts, in the order in which they joined."""
        return [HostHandle(self, record) for record in list(self.supervisor.records.values())]

    def __getitem__(self, name: str) -> HostHandle:
        return HostHandle(self, self.supervisor.require(name))

    def add_host(self, name: str | None = None) -> HostHandle:
        """Start one more host.

        Args:
            name: its name; the next of the usual ones when None.
        """
        if name is None:
            name = next(known for known in host_names(MAX_HOSTS) if known not in self.supervisor.records)
        host_names([name])
        loop_thread.call(self.supervisor.start, [name], timeout=START_TIMEOUT + 5, what=f"starting {name}")
        return self[name]

    def remove_host(self, name: str, *, drain: bool = True, timeout: float | None = None) -> builtins.list[PagletProxy]:
        """End a host.

        Args:
            name: its name.
            drain: move its paglets to the other hosts first; where one refuses, the host stays.
            timeout: seconds that each may take to end what it does and move; None for the client's default.

        Returns:
            The paglets that were moved.

        Raises:
            MeshError: it is the only host, or its paglets have no other to go to.
            PagletBusyError: a paglet did not come to rest in time; the host stays.
        """
        record = self.supervisor.require(name)
        others = [other for other in self._online() if other.name != name]
        if len(self.supervisor.records) == 1:
            raise MeshError(f"{name!r} is the only host; stop the mesh instead")
        moved: builtins.list[PagletProxy] = []
        leaving = self[name].listing() if drain and record.state == "up" else []
        if leaving and not others:
            raise MeshError(f"no other host is up to take what is on {name!r}; without a drain it ends with the host")
        for number, info in enumerate(leaving):
            moved.append(self._proxy(info).dispatch(others[number % len(others)].name, timeout=timeout))
        self[name].stop()
        return moved

    def __iter__(self) -> Iterator[HostHandle]:
        return iter(self.hosts())

    def __len__(self) -> int:
        return len(self.hosts()) if self.running else 0

    def __bool__(self) -> bool:
        return True

    def events(
        self, since: int = 0, limit: int | None = None, *, wait_timeout: float = 0.0
    ) -> builtins.list[MeshEvent]:
        """What happened on its hosts, merged; see ``MeshEvents.events``."""
        return self.event_log.events(since, limit, wait_timeout=wait_timeout)

    def host_name(self, url: str) -> str:
        """The name of the host at an address; UnknownHostError for a stranger."""
        found = next((name for name, record in self.supervisor.records.items() if record.url == url), None)
        if found is None:
            raise UnknownHostError(url, self.supervisor.records)
        return found

    # ---- paglets

    def create(
        self,
        cls: type[Paglet[Any]],
        state: PagletState | None = None,
        *,
        on: str | None = None,
        name: str = "",
        init: Any = None,
    ) -> PagletProxy:
        """Create a paglet.

        Args:
            cls: its class; one from a notebook cell is shipped along.
            state: its state; the defaults when None.
            on: the host's name; the one with the fewest paglets when None.
            name: unique in the mesh; usable wherever an id is.
            init: handed to ``on_creation``.

        Raises:
            UnknownHostError: no host has that name.
            SerializationError: the class or the state cannot travel; names the field.
            NameTakenError: another paglet has the name.
            Exception: what ``on_creation`` raised.
        """
        request = create_request(cls, state, init=init, name=name)
        url = self._resolve(on) if on is not None else self._emptiest().url
        proxy = self.client.create(url, request)
        with suppress(UnknownHostError, MeshError):  # it is gone by now
            self.losses.created(self.host_name(proxy.host_url), proxy)
        return proxy

    def _emptiest(self) -> HostRecord:
        online = self._online()
        if not online:
            raise MeshError(f"mesh {self.name!r} has no host that is up")
        told = healths(self.client, online)
        counts = {name: info.paglets for name, info in told.items() if info is not None}
        answering = [record for record in online if record.name in counts]
        if not answering:
            raise MeshError(f"no host of mesh {self.name!r} answers; wait, or restart one")
        return min(answering, key=lambda record: counts[record.name])

    def listing(self) -> builtins.list[PagletInfo]:
        """Every paglet of the mesh, host by host; those of a host that does not answer are missing."""
        return self._look().paglets

    def _look(self, key: str = "") -> Listed:
        return list_paglets(self.client, self.hosts(), LISTED, key)

    def _proxy(self, info: PagletInfo) -> PagletProxy:
        return PagletProxy(info.host_url, info.agent_id, self.client, name=info.name, class_name=info.class_name)

    def paglets(self) -> builtins.list[PagletProxy]:
        """A proxy of every paglet of the mesh; a RuntimeWarning names hosts that do not answer: theirs are missing."""
        listed = self._look()
        if listed.silent:
            warnings.warn(f"paglets are missing: {listed.unknown()}", RuntimeWarning, stacklevel=2)
        return [self._proxy(info) for info in listed.paglets]

    def paglet(self, key: str) -> PagletProxy:
        """A paglet by name, id or the unique beginning of an id; InvalidAgentError otherwise."""
        listed = self._look(key)
        info = listed.find(key)
        if info is None:
            raise InvalidAgentError(key, "any host of the mesh", fate=listed.unknown() or self.losses.fate(key))
        return self._proxy(info)

    def __repr__(self) -> str:
        if self._supervisor is None:
            return f"<Mesh {self.name}, {self.standing}>"
        hosts = ", ".join(f"{record.name} {record.state}" for record in self._supervisor.records.values())
        return f"<Mesh {self.name}: {hosts}>"
