"""The mesh as its user holds it: hosts by name, paglets on them."""

from __future__ import annotations

import atexit
import builtins
import os
import secrets
import sys
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import Any

from jupyter_core.paths import jupyter_data_dir

from paglets_nb.codec.shipping import code_store
from paglets_nb.core.paglet import Paglet
from paglets_nb.core.proxy import PagletProxy
from paglets_nb.core.state import PagletState
from paglets_nb.core.values import DEFAULT_TIMEOUT
from paglets_nb.errors import (
    HostDiedError,
    InvalidAgentError,
    MeshError,
    PagletError,
    SerializationError,
    UnknownHostError,
)
from paglets_nb.host.client import HostClient
from paglets_nb.host.host import create_request
from paglets_nb.host.loop import loop_thread
from paglets_nb.host.protocol import Listing, Nothing, PagletInfo
from paglets_nb.mesh.changes import Watched
from paglets_nb.mesh.engines.base import make_engine
from paglets_nb.mesh.events import MeshEvent, MeshEvents
from paglets_nb.mesh.fan_outs import FansOut
from paglets_nb.mesh.followers import HostAddress
from paglets_nb.mesh.handles import HostHandle
from paglets_nb.mesh.notifications import Notifications
from paglets_nb.mesh.records import HostRecord
from paglets_nb.mesh.runtime_files import RuntimeFolder
from paglets_nb.mesh.supervisor import START_TIMEOUT, Supervisor
from paglets_nb.services.contracts import ServiceOperation

__all__ = ["HostHandle", "Mesh", "running_meshes"]

_NAMES = (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigma tau upsilon "
    "phi chi psi omega"
).split()
MAX_HOSTS = 256
_STOP_TIMEOUT = 15.0
_running: weakref.WeakSet[Mesh] = weakref.WeakSet()


def host_names(hosts: int | Sequence[str]) -> list[str]:
    """The names of the hosts wanted, by count or by name; MeshError for what cannot be."""
    if isinstance(hosts, int):
        if not 1 <= hosts <= MAX_HOSTS:
            raise MeshError(f"a mesh has 1 to {MAX_HOSTS} hosts, not {hosts}")
        return [*_NAMES, *(f"host{number}" for number in range(len(_NAMES) + 1, MAX_HOSTS + 1))][:hosts]
    names = list(hosts)
    for name in names:
        if not name.replace("-", "_").isidentifier() or len(name) > 32:
            raise MeshError(f"{name!r} is not a host's name (up to 32 letters, digits, - and _, no digit first)")
    if not names or len(set(names)) < len(names):
        raise MeshError(f"a mesh needs hosts with different names, not {names}")
    return names


class Mesh(FansOut, Watched):
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
    ) -> None:
        self._wanted = host_names(hosts)
        self._restarts = restarts
        self.name = name or f"mesh-{secrets.token_hex(3)}"
        if not self.name.replace("-", "_").isidentifier() or len(self.name) > 40:
            raise MeshError(f"{self.name!r} is not a mesh's name (up to 40 letters, digits, - and _, no digit first)")
        self._data_dir = Path(data_dir) if data_dir is not None else None
        if self._data_dir is None and name is not None:
            self._data_dir = Path(jupyter_data_dir()) / "paglets" / self.name
        self._engine = make_engine(engine)
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
        with self._lock:
            if self.running:
                raise MeshError(f"mesh {self.name!r} is running already")
            self._folder = RuntimeFolder(self.name)
            data_dir = self._data_dir or self._folder.path / "data"
            supervisor = Supervisor(self.name, self._engine, self._folder.path, data_dir, self.client, self._restarts)
            self._supervisor = supervisor
            ready: Future[None] = Future()
            self._watching = loop_thread.submit(supervisor.supervise, ready)
            _running.add(self)

        def tell(record: HostRecord) -> None:
            if on_progress is not None:
                on_progress(HostHandle(self, record))

        try:
            ready.result(START_TIMEOUT)
            loop_thread.call(supervisor.start, self._wanted, tell, timeout=START_TIMEOUT + 5, what="starting the mesh")
        except BaseException:
            self.stop()
            raise
        self.notifications.start()
        return self

    def stop(self) -> None:
        """End every host; nothing stays. Harmless when it is not running."""
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
            loop_thread.portal().start_task_soon(supervisor.stop)
            with suppress(TimeoutError):
                watching.result(_STOP_TIMEOUT)
        self.client.close()
        if folder is not None:
            folder.remove()
        _running.discard(self)
        self.client = self._make_client(self.client.timeout)

    def __enter__(self) -> Mesh:
        return self if self.running else self.start()

    def __exit__(self, *_exc: object) -> None:
        self.stop()

    @staticmethod
    def list() -> builtins.list[str]:
        """The names of the meshes this process runs."""
        return sorted(mesh.name for mesh in _running)

    def sync_output(self, timeout: float = 0.5) -> None:
        """Wait until what the hosts have printed so far has come here, at most ``timeout`` seconds."""
        if self.running:
            loop_thread.call(self.supervisor.sync_output, timeout, timeout=timeout + 1.0, what="waiting for output")

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
        if record.state != "up":
            raise HostDiedError(record.name, record.reason or record.state, delivered=False)
        return record.url

    def _explain(self, url: str) -> str:
        if self._supervisor is None:
            return "the mesh was stopped"
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

    # ---- types

    def _type(self, url: str, name: str) -> Any:
        """A class by wire name: this process's own where it has one of that name, else its host's."""
        plain, shipped, _digest = name.partition("#")
        try:
            return code_store.resolve(name)
        except SerializationError:
            module_name, _colon, qualname = plain.partition(":")
            found: Any = sys.modules.get(module_name) if shipped else None
            for part in qualname.split("."):
                found = getattr(found, part, None)
            return found if isinstance(found, type) else self.client.fetch_class(url, name)

    def class_of(self, proxy: PagletProxy) -> Any:
        """A paglet's class; fetched from its host where it is not known here."""
        if not proxy.class_name:
            proxy.class_name = proxy.info()["class_name"]
        return self._type(proxy.host_url, proxy.class_name)

    def operations(self, proxy: PagletProxy) -> builtins.list[ServiceOperation]:
        """A paglet's typed operations, with their types."""
        return [
            ServiceOperation(
                entry["name"],
                self._type(proxy.host_url, entry["request_type"]),
                self._type(proxy.host_url, entry["reply_type"]),
            )
            for entry in proxy.info()["operations"]
        ]

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
        mesh.stop()


atexit.register(_stop_all)
