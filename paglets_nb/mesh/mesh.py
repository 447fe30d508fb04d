"""The mesh as its user holds it: hosts by name, paglets on them."""

from __future__ import annotations

import atexit
import builtins
import os
import secrets
import threading
import weakref
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from jupyter_core.paths import jupyter_data_dir

from paglets_nb.core.paglet import Paglet
from paglets_nb.core.proxy import PagletProxy
from paglets_nb.core.state import PagletState
from paglets_nb.core.values import DEFAULT_TIMEOUT
from paglets_nb.errors import (
    HostDiedError,
    InvalidAgentError,
    MeshError,
    PagletError,
    UnknownHostError,
)
from paglets_nb.host.client import HostClient
from paglets_nb.host.host import create_request
from paglets_nb.host.loop import loop_thread
from paglets_nb.host.protocol import Listing, Nothing, PagletInfo
from paglets_nb.mesh.classes import KnowsClasses
from paglets_nb.mesh.detaching import Detachable
from paglets_nb.mesh.engines.base import make_engine
from paglets_nb.mesh.events import MeshEvent, MeshEvents
from paglets_nb.mesh.fan_outs import FansOut
from paglets_nb.mesh.followers import HostAddress
from paglets_nb.mesh.handles import HostHandle
from paglets_nb.mesh.naming import MAX_HOSTS, checked_mesh_name, host_names
from paglets_nb.mesh.notifications import Notifications
from paglets_nb.mesh.records import HostRecord
from paglets_nb.mesh.runtime_files import RuntimeFolder, detached_meshes
from paglets_nb.mesh.supervisor import START_TIMEOUT, Supervisor

__all__ = ["HostHandle", "Mesh", "running_meshes"]

T = TypeVar("T")
_STOP_TIMEOUT = 15.0
_running: weakref.WeakSet[Mesh] = weakref.WeakSet()


class Mesh(Detachable, FansOut, KnowsClasses):
    """Hosts in kernels, and the paglets on them.

    Use it as a context manager, or call ``start`` and ``stop``.

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
        self._restarts = restarts
        self.name = checked_mesh_name(name or f"mesh-{secrets.token_hex(3)}")
        self._data_dir = Path(data_dir) if data_dir is not None else None
        if self._data_dir is None and name is not None:
            self._data_dir = Path(jupyter_data_dir()) / "paglets" / self.name
        self._engine_name, self._engine = engine, make_engine(engine)
        self._outlives = detach
        self._gone_why = "the mesh was stopped"
        self.client = self._make_client(timeout)
        self._lock = threading.RLock()
        self._folder: RuntimeFolder | None = None
        self._supervisor: Supervisor | None = None
        self._watching: Future[None] | None = None
        self.event_log = MeshEvents(lambda: self.client, self._addresses)
        self.notifications = Notifications(lambda: self.client, self._addresses)

    def _make_client(self, timeout: float) -> HostClient:
        return HostClient(timeout=timeout, resolve=self._resolve, explain=self._explain, members=self._urls)

    def _urls(self) -> builtins.list[str]:
        return [record.url for record in self._online()] if self.running else []

    # ---- start and stop

    @property
    def running(self) -> bool:
        """Whether it was started and not stopped."""
        return self._supervisor is not None

    @property
    def supervisor(self) -> Supervisor:
        """What watches its hosts; MeshError when it is not running."""
        if self._supervisor is None:
            raise MeshError(f"mesh {self.name!r} is not running; start it with start(), or use it in a with block")
        return self._supervisor

    def start(self, on_progress: Callable[[HostHandle], None] | None = None) -> Mesh:
        """Start the hosts, side by side.

        Args:
            on_progress: called with each host as it comes up, from another thread.

        Raises:
            MeshError: a host did not start, or a mesh of this name is running.
        """
        self._bring_up(RuntimeFolder, Supervisor.start, self._wanted, on_progress, self.stop)
        self.notifications.start()
        return self

    def _bring_up(
        self,
        take_folder: Callable[[str], RuntimeFolder],
        bring: Callable[..., Awaitable[None]],
        hosts: Sequence[Any],
        on_progress: Callable[[HostHandle], None] | None,
        give_up: Callable[[], None],
    ) -> None:
        """Supervise hosts from now on.

        Args:
            take_folder: gives the folder of the mesh of a name.
            bring: what of the supervisor brings the hosts.
            hosts: what it takes.
            on_progress: as of ``start``.
            give_up: called where that fails.
        """
        with self._lock:
            if self.running:
                raise MeshError(f"mesh {self.name!r} is running already")
            self._folder = folder = take_folder(self.name)
            data_dir = self._data_dir or folder.path / "data"
            supervisor = Supervisor(self.name, self._engine, folder.path, data_dir, self.client, self._restarts)
            supervisor.keep = self._keep if self._outlives else None
            self._supervisor = supervisor
            ready: Future[None] = Future()
            self._watching = loop_thread.submit(supervisor.supervise, ready)
            _running.add(self)

        def tell(record: HostRecord) -> None:
            if on_progress is not None:
                on_progress(HostHandle(self, record))

        try:
            ready.result(START_TIMEOUT)
            loop_thread.call(bring, supervisor, hosts, tell, timeout=START_TIMEOUT + 5, what="starting the mesh")
        except BaseException:
            give_up()
            raise

    def stop(self) -> None:
        """End every host; nothing stays, also of a mesh that may be detached. Harmless when it is not running."""
        self._gone_why = "the mesh was stopped"
        self._close(Supervisor.stop, RuntimeFolder.remove)

    def _close(self, end: Callable[[Supervisor], None], give_back: Callable[[RuntimeFolder], None]) -> None:
        """Supervise no more.

        Args:
            end: what becomes of the hosts.
            give_back: what becomes of the folder.
        """
        self.notifications.close()
        self.event_log.close()
        if self.client.sent and not loop_thread.inside():
            with suppress(PagletError):
                self.sync_output()  # what its paglets printed last
        with self._lock:
            supervisor, self._supervisor = self._supervisor, None
            watching, self._watching = self._watching, None
            folder, self._folder = self._folder, None
        if supervisor is not None and watching is not None:
            loop_thread.portal().start_task_soon(end, supervisor)
            with suppress(TimeoutError):
                watching.result(_STOP_TIMEOUT)
        self.client.close()
        if folder is not None:
            give_back(folder)
        _running.discard(self)
        self.client = self._make_client(self.client.timeout)

    def __enter__(self) -> Mesh:
        return self if self.running else self.start()

    def __exit__(self, *_exc: object) -> None:
        self.release()

    @staticmethod
    def list() -> builtins.list[str]:
        """The names of the meshes this process runs, and of those that are detached and can be attached."""
        return sorted({*(mesh.name for mesh in _running), *detached_meshes()})

    def sync_output(self, timeout: float = 0.5) -> None:
        """Wait until what the hosts have printed so far has come here, at most ``timeout`` seconds."""
        if self.running:
            loop_thread.call(self.supervisor.sync_output, timeout, timeout=timeout + 1.0, what="waiting for output")

    # ---- hosts

    def hosts(self) -> builtins.list[HostHandle]:
        """Its hosts, in the order in which they joined."""
        return [HostHandle(self, record) for record in self.supervisor.records.values()]

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

    def remove_host(self, name: str, *, drain: bool = True) -> builtins.list[PagletProxy]:
        """End a host.

        Args:
            name: its name.
            drain: move its paglets to the other hosts first; where one refuses, the host stays.

        Returns:
            The paglets that were moved.
        """
        record = self.supervisor.require(name)
        others = [other for other in self._online() if other.name != name]
        if len(self.supervisor.records) == 1:
            raise MeshError(f"{name!r} is the only host; stop the mesh instead")
        moved: builtins.list[PagletProxy] = []
        if drain and record.state == "up" and others:
            listing = self.client.ask(record.url, "@list", Nothing(), Listing, timeout=5.0).paglets
            for number, info in enumerate(listing):
                moved.append(self._proxy(info).dispatch(others[number % len(others)].name))
        self[name].stop()
        return moved

    def __iter__(self) -> Iterator[HostHandle]:
        return iter(self.hosts())

    def __len__(self) -> int:
        return len(self.hosts()) if self.running else 0

    def __bool__(self) -> bool:
        return True

    def _online(self) -> builtins.list[HostRecord]:
        return [record for record in self.supervisor.records.values() if record.state == "up"]

    def _addresses(self) -> builtins.list[HostAddress]:
        return [HostAddress(record.name, record.url) for record in self._online()] if self.running else []

    def events(
        self, since: int = 0, limit: int | None = None, *, wait_timeout: float = 0.0
    ) -> builtins.list[MeshEvent]:
        """What happened on its hosts, merged; see ``MeshEvents.events``."""
        return self.event_log.events(since, limit, wait_timeout=wait_timeout)

    def _resolve(self, name_or_url: str) -> str:
        if "://" in name_or_url:
            return name_or_url
        record = self.supervisor.require(name_or_url)
        if record.state == "silent":
            raise MeshError(f"host {record.name!r} does not answer")
        if record.state != "up":
            raise HostDiedError(record.name, record.reason or record.state, delivered=False)
        return record.url

    def _explain(self, url: str) -> str:
        if self._supervisor is None:
            return self._gone_why
        down = (record for record in self._supervisor.records.values() if record.url == url and record.state != "up")
        return next((record.reason or record.state for record in down), "")

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
        return self.client.create(url, request)

    def _emptiest(self) -> HostRecord:
        online = self._online()
        if not online:
            raise MeshError(f"mesh {self.name!r} has no host that is up")
        return min(online, key=lambda record: HostHandle(self, record).paglet_count())

    def listing(self) -> builtins.list[PagletInfo]:
        """Every paglet of the mesh, host by host."""
        found: builtins.list[PagletInfo] = []
        for record in self._online():
            with suppress(HostDiedError, TimeoutError):
                found.extend(self.client.ask(record.url, "@list", Nothing(), Listing, timeout=5.0).paglets)
        return found

    def _proxy(self, info: PagletInfo) -> PagletProxy:
        return PagletProxy(info.host_url, info.agent_id, self.client, name=info.name, class_name=info.class_name)

    def paglets(self) -> builtins.list[PagletProxy]:
        """A proxy of every paglet of the mesh."""
        return [self._proxy(info) for info in self.listing()]

    def paglet(self, key: str) -> PagletProxy:
        """A paglet by name, id or the unique beginning of an id; InvalidAgentError otherwise."""
        listing = self.listing()
        exact = [info for info in listing if key in (info.name, info.agent_id)]
        begins = exact or [info for info in listing if len(key) >= 3 and info.agent_id.startswith(key)]
        if len(begins) != 1:
            raise InvalidAgentError(key, "any host of the mesh")
        return self._proxy(begins[0])

    def __repr__(self) -> str:
        if self._supervisor is None:
            return f"<Mesh {self.name}, not running>"
        hosts = ", ".join(f"{record.name} {record.state}" for record in self._supervisor.records.values())
        return f"<Mesh {self.name}: {hosts}>"


def running_meshes() -> builtins.list[Mesh]:
    """The meshes this process runs."""
    return [mesh for mesh in _running if mesh.running]


def _stop_all() -> None:
    for mesh in list(_running):
        mesh.release()


atexit.register(_stop_all)
