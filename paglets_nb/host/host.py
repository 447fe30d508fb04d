"""The host: the runtime of one process, wired from its parts.

A plain object usable in any process. A kernel runs one; tests and embedders make them
directly, and hosts of one process with the same ``mesh`` see each other.
"""

from __future__ import annotations

import dataclasses
import os
import shutil
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar

from paglets_nb.codec import wire
from paglets_nb.codec.shipping import code_store
from paglets_nb.core.messages import Message
from paglets_nb.core.paglet import Paglet
from paglets_nb.core.policy import DeactivationPolicy
from paglets_nb.core.proxy import PagletProxy
from paglets_nb.core.references import HostRef
from paglets_nb.core.state import PagletState
from paglets_nb.core.tickets import TransferTicket
from paglets_nb.errors import HostError, InvalidAgentError, PagletError, SerializationError
from paglets_nb.host.arrivals import Arrivals
from paglets_nb.host.artifact_api import ArtifactApi
from paglets_nb.host.artifacts import Artifacts
from paglets_nb.host.client import HostClient
from paglets_nb.host.clock import Clock
from paglets_nb.host.durability import Durability
from paglets_nb.host.event_log import EventLog
from paglets_nb.host.file_source import FileSource
from paglets_nb.host.files import HostFiles
from paglets_nb.host.flight import FlightRecorder
from paglets_nb.host.handling import Handling
from paglets_nb.host.information import Information
from paglets_nb.host.lifecycle import Lifecycle
from paglets_nb.host.members import MemberTable
from paglets_nb.host.modules import restore_modules
from paglets_nb.host.movement import Movement
from paglets_nb.host.names import Names
from paglets_nb.host.protocol import (
    Born,
    CloneRequest,
    CreateRequest,
    DeactivateRequest,
    DispatchRequest,
    RetractRequest,
)
from paglets_nb.host.recovery import recover
from paglets_nb.host.requests import RequestHandler
from paglets_nb.host.residents import Resident, Residents
from paglets_nb.host.services import HostServices
from paglets_nb.host.settlement import Settlement
from paglets_nb.host.sleep import Sleep
from paglets_nb.host.storage import HostStorage
from paglets_nb.host.user_info import USER_INFO_SERVICE
from paglets_nb.host.verbs import verbs_of
from paglets_nb.host.workers import WorkerPool
from paglets_nb.transport.addresses import unix_url
from paglets_nb.transport.server import FrameServer
from paglets_nb.version import __version__

__all__ = ["Host"]

_TIMEOUT = 10.0
_PATIENCE = 1.0
"""Seconds that the end of a host waits for locks that handlers hold."""


class Host(ArtifactApi):
    """A place where paglets live.

    Args:
        name: unique in the mesh; letters, digits, ``-`` and ``_``.
        mesh: hosts of one process with the same mesh name see each other; None stands alone
            until it is told its members.
        socket_dir: a folder of mode 0700 for the socket; a temporary one when None.
        data_dir: a folder for what must outlive the process; a temporary one when None.
        properties: what ``PagletContext.get_property`` answers.
    """

    _by_mesh: ClassVar[dict[str, dict[str, Host]]] = {}
    _by_mesh_lock: ClassVar[threading.Lock] = threading.Lock()

    def __init__(
        self,
        name: str,
        *,
        mesh: str | None = None,
        socket_dir: str | os.PathLike[str] | None = None,
        data_dir: str | os.PathLike[str] | None = None,
        properties: dict[str, Any] | None = None,
    ) -> None:
        if not name.replace("-", "_").isidentifier():
            raise HostError(f"{name!r} is not a host's name (letters, digits, - and _, no digit first)")
        self.name = name
        self.mesh = mesh
        self.properties: dict[str, Any] = dict(properties or {})
        self.started_at = 0.0
        self._own: list[Path] = []
        self._dir = self._folder(socket_dir)
        self.data_dir = self._folder(data_dir)
        self.address = unix_url(str(self._dir / f"{name}.sock"))
        self.members = MemberTable()
        self.client = HostClient(resolve=self.members.resolve, members=self._other_urls)
        self.workers = WorkerPool(name)
        self.clock = Clock(self.workers)
        self.residents = Residents(name)
        self.events = EventLog(name)
        self.durability = Durability(self.data_dir)
        self.flight = FlightRecorder(self.data_dir)
        self.files = HostFiles(self.data_dir, name)
        self.file_source = FileSource(self.client)
        self.storage = HostStorage(self.data_dir)
        self.artifacts = Artifacts(self.data_dir, name)
        self.sleep = Sleep(self)
        self.names = Names(self)
        self.lifecycle = Lifecycle(self)
        self.movement = Movement(self)
        self.arrivals = Arrivals(self)
        self.settlement = Settlement(self)
        self.information = Information(self)
        self.services = HostServices(self, [USER_INFO_SERVICE])
        self.handling = Handling(self)
        self.requests = RequestHandler(self, verbs_of(self))
        self.server: FrameServer | None = None

    def _folder(self, given: str | os.PathLike[str] | None) -> Path:
        """The folder given, or a temporary one that goes with the host."""
        if given is not None:
            return Path(given)
        self._own.append(Path(tempfile.mkdtemp(prefix="pgl-")))
        return self._own[-1]

    def _other_urls(self) -> list[str]:
        return [member.url for member in self.members.hosts() if member.url != self.address]

    def capabilities(self) -> set[str]:
        """What tickets may require of this host: the names of the contracts it offers."""
        return self.services.capabilities()

    # ---- start and stop

    def start_background(self) -> Host:
        """Bring back what is stored, then listen; returns itself.

        Raises:
            StoreError: the store is damaged; it was moved aside.
        """
        restore_modules(self.data_dir)
        recover(self)
        self.server = FrameServer(self.address, self.requests.direct.on_frame, name=self.name)
        self.started_at = time.time()
        self.server.start()
        if self.mesh is None:
            self.members.update(0, [self.ref()])
        else:
            self._join(self.mesh)
        self.services.start()
        return self

    def _join(self, mesh: str) -> None:
        with self._by_mesh_lock:
            others = self._by_mesh.setdefault(mesh, {})
            if self.name in others:
                self._close_server()
                raise HostError(f"mesh {mesh!r} has a host {self.name!r} already")
            others[self.name] = self
            self._tell(others)

    @staticmethod
    def _tell(hosts: dict[str, Host]) -> None:
        epoch = time.monotonic_ns()
        for host in hosts.values():
            host.members.update(epoch, [other.ref() for other in hosts.values()])

    def _close_server(self) -> None:
        if self.server is not None:
            self.server.close()

    def stop(self) -> None:
        """End: no more requests, waits are woken, threads end after what they run.

        A handler that holds its paglet's state lock is waited for at most ``_PATIENCE`` seconds.
        """
        if self.mesh is not None:
            with self._by_mesh_lock:
                others = self._by_mesh.get(self.mesh, {})
                if others.get(self.name) is self:
                    del others[self.name]
                    self._tell(others)
        self._close_server()
        self.services.stop()
        self.events.close()
        self.save()
        deadline = time.monotonic() + _PATIENCE
        for resident in self.residents.all():
            self.lifecycle.withdraw(resident, patience=max(0.0, deadline - time.monotonic()))
        self.settlement.close()
        self.clock.close()
        self.workers.close()
        self.client.close()
        self.durability.close()
        self.flight.close()
        with suppress(OSError):
            (self._dir / f"{self.name}.sock").unlink()
        for folder in self._own:
            shutil.rmtree(folder, ignore_errors=True)

    def save(self) -> None:
        """Store the durable paglets as they are now, but for those that keep their state locked; for an orderly end."""
        deadline = time.monotonic() + _PATIENCE
        coming = {prepared.resident.agent_id for prepared in self.arrivals.in_doubt(0.0)}  # stored as such already
        for resident in self.residents.all():
            if resident.agent_id in coming:
                continue
            try:
                self.durability.keep(resident, patience=max(0.0, deadline - time.monotonic()))
            except PagletError as error:
                self.events.record("failure", resident.agent_id, step="save", error=str(error))

    def __enter__(self) -> Host:
        return self.start_background()

    def __exit__(self, *_exc: object) -> None:
        self.stop()

    # ---- paglets

    def create(
        self, cls: type[Paglet[Any]], state: PagletState | None = None, *, init: Any = None, name: str = ""
    ) -> PagletProxy:
        """Create a paglet here.

        Args:
            cls: its class.
            state: its state; the defaults when None.
            init: handed to ``on_creation``.
            name: unique in the mesh; usable wherever an id is.

        Raises:
            SerializationError: the state cannot travel, or is no ``cls.State``.
            NameTakenError: the name is in use.
            Exception: what ``on_creation`` raised.
        """
        return self.create_remote(self.address, cls, state, init=init, name=name)

    def create_remote(
        self,
        host: str,
        cls: type[Paglet[Any]],
        state: PagletState | None = None,
        *,
        init: Any = None,
        name: str = "",
    ) -> PagletProxy:
        """Create a paglet on another host, by name or address."""
        request = create_request(cls, state, init=init, name=name)
        url = self.members.resolve(host)
        if url != self.address:
            return self.client.create(url, request)
        return self._proxy(self.lifecycle.create(request))

    def get_proxy(self, agent_id: str) -> PagletProxy:
        """A proxy of a paglet here, by id or name; InvalidAgentError when there is none."""
        resident = self.residents.require(agent_id)
        return PagletProxy(
            self.address, resident.agent_id, self.client, name=resident.name, class_name=resident.class_name
        )

    def get_proxies(self) -> list[PagletProxy]:
        """The paglets here."""
        return [self.get_proxy(resident.agent_id) for resident in self.guests()]

    def guests(self) -> list[Resident]:
        """The paglets that are awake here, without those behind the services that the host itself provides."""
        own = self.services.residents.agent_ids()
        return [resident for resident in self.residents.all() if resident.agent_id not in own]

    def find(self, key: str) -> PagletProxy:
        """A paglet by id or name, anywhere in the mesh; InvalidAgentError when there is none."""
        urls = [self.address, *(m.url for m in self.members.hosts() if m.url != self.address)]
        for url in urls:
            found = self.information.find(key) if url == self.address else self.information.find_on(url, key)
            if found.agent_id:
                return PagletProxy(
                    found.host_url, found.agent_id, self.client, name=found.name, class_name=found.class_name
                )
        raise InvalidAgentError(key, "any host of the mesh")

    def get_state(self, agent_id: str) -> Any:
        """A copy of a paglet's state."""
        paglet = self.residents.require(agent_id).paglet
        with paglet.locked():
            return wire.dataclass_from_wire(type(paglet.state), wire.dataclass_to_wire(paglet.state))

    def dispatch(self, agent_id: str, target: str | TransferTicket) -> PagletProxy:
        """Move a paglet that lives here."""
        ticket = target if isinstance(target, TransferTicket) else TransferTicket(target, timeout=_TIMEOUT)
        return self._proxy(self.movement.dispatch(agent_id, DispatchRequest.of(ticket, ticket.destination)))

    def retract(self, proxy: PagletProxy, *, timeout: float = _TIMEOUT) -> PagletProxy:
        """Call a paglet from another host to this one."""
        return self._proxy(self.movement.retract("", RetractRequest(proxy.agent_id, proxy.host_url, timeout)))

    def _proxy(self, born: Born) -> PagletProxy:
        return PagletProxy(born.host_url, born.agent_id, self.client, name=born.name, class_name=born.class_name)

    def clone(self, agent_id: str, target: str | TransferTicket | None = None) -> PagletProxy:
        """Clone a paglet that lives here, on this host or another."""
        ticket = target if isinstance(target, TransferTicket) else TransferTicket(target or "", timeout=_TIMEOUT)
        return self._proxy(self.movement.clone(agent_id, CloneRequest(ticket.destination, ticket.timeout)))

    def deactivate(self, agent_id: str, policy: DeactivationPolicy | None = None, *, reason: str = "") -> None:
        """Put a paglet that lives here to sleep."""
        self.sleep.deactivate(agent_id, DeactivateRequest(policy or DeactivationPolicy(), reason))

    def activate(self, agent_id: str) -> PagletProxy:
        """Wake a paglet that sleeps here."""
        return self._proxy(self.sleep.activate(agent_id))

    def dispose(self, agent_id: str) -> None:
        """End a paglet that lives here."""
        self.lifecycle.dispose(agent_id)

    def list_agents(self) -> list[dict[str, Any]]:
        """The paglets here as plain values."""
        return [wire.dataclass_to_wire(paglet) for paglet in self.information.listing().paglets]

    def list_events(self, since: int = 0, limit: int | None = None) -> list[Any]:
        """See ``EventLog.list_events``."""
        return self.events.list_events(since, limit)

    def add_listener(self, listener: Any) -> Any:
        """See ``EventLog.add_listener``."""
        return self.events.add_listener(listener)

    def health(self) -> dict[str, Any]:
        """The host itself as plain values."""
        return wire.dataclass_to_wire(self.information.health())

    def _send_after(self, url: str, agent_id: str, message: Message) -> None:
        """Send a one-way message that waited here to the host its paglet left for."""
        try:
            PagletProxy(url, agent_id, self.client).send_oneway(message)
        except (PagletError, OSError) as error:
            self.events.record("failure", agent_id, step="forward", kind=message.kind, error=str(error))

    def ref(self) -> HostRef:
        """What others are told of this host."""
        return HostRef(self.name, self.address, __version__, last_seen=time.time(), active_count=len(self.residents))

    def __repr__(self) -> str:
        return f"<Host {self.name} at {self.address}, {len(self.residents)} paglets>"


def create_request(
    cls: type[Paglet[Any]], state: PagletState | None = None, *, init: Any = None, name: str = ""
) -> CreateRequest:
    """The request that makes a paglet of ``cls``; SerializationError where it cannot travel."""
    if not (isinstance(cls, type) and issubclass(cls, Paglet)):
        raise SerializationError(f"{cls!r} is not a Paglet class")
    if state is not None and not isinstance(state, cls.State):
        raise SerializationError(f"{cls.__name__} wants a {cls.State.__name__}, not a {type(state).__name__}")
    if state is None:
        required = [f.name for f in dataclasses.fields(cls.State) if f.default is f.default_factory]
        if required:
            raise SerializationError(f"{cls.__name__} needs a {cls.State.__name__} (fields: {', '.join(required)})")
    wired = None if state is None else wire.dataclass_to_wire(state)
    return CreateRequest(code_store.name_of(cls), wired, init, name)
