"""The host: the runtime of one process, wired from its parts.

A plain object usable in any process. A kernel runs one; tests and embedders make them
directly, and hosts of one process with the same ``mesh`` see each other.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar

from paglets_nb.codec import wire
from paglets_nb.codec.shipping import Bundle, code_store
from paglets_nb.core.paglet import Paglet
from paglets_nb.core.proxy import PagletProxy
from paglets_nb.core.references import HostRef
from paglets_nb.core.state import PagletState
from paglets_nb.core.tickets import TransferTicket
from paglets_nb.errors import HostError, InvalidAgentError, SerializationError
from paglets_nb.host.client import HostClient
from paglets_nb.host.event_log import EventLog
from paglets_nb.host.information import Information
from paglets_nb.host.lifecycle import Lifecycle
from paglets_nb.host.members import MemberTable
from paglets_nb.host.movement import Movement
from paglets_nb.host.protocol import (
    Arrival,
    CloneRequest,
    CodeBundle,
    CodeRequest,
    CreateRequest,
    DispatchRequest,
    FindRequest,
    Members,
    Nothing,
    Settle,
)
from paglets_nb.host.requests import RequestHandler, Verb
from paglets_nb.host.residents import Residents
from paglets_nb.host.workers import WorkerPool
from paglets_nb.transport.addresses import unix_url
from paglets_nb.transport.server import FrameServer

__all__ = ["Host"]

_TIMEOUT = 10.0


class Host:
    """A place where paglets live.

    Args:
        name: unique in the mesh; letters, digits, ``-`` and ``_``.
        mesh: hosts of one process with the same mesh name see each other; None stands alone
            until it is told its members.
        socket_dir: a folder of mode 0700 for the socket; a temporary one when None.
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
        properties: dict[str, Any] | None = None,
    ) -> None:
        if not name.replace("-", "_").isidentifier():
            raise HostError(f"{name!r} is not a host's name (letters, digits, - and _, no digit first)")
        self.name = name
        self.mesh = mesh
        self.properties: dict[str, Any] = dict(properties or {})
        self.started_at = 0.0
        self._own_dir = socket_dir is None
        self._dir = Path(tempfile.mkdtemp(prefix="pgl-")) if socket_dir is None else Path(socket_dir)
        self.address = unix_url(str(self._dir / f"{name}.sock"))
        self.members = MemberTable()
        self.client = HostClient(resolve=self.members.resolve)
        self.workers = WorkerPool(name)
        self.residents = Residents(name)
        self.events = EventLog(name)
        self.lifecycle = Lifecycle(self)
        self.movement = Movement(self)
        self.information = Information(self)
        self.requests = RequestHandler(name, self.residents, self.workers, self._verbs())
        self.server: FrameServer | None = None

    def _verbs(self) -> dict[str, Verb]:
        information = self.information
        return {
            "@create": (CreateRequest, lambda _target, request: self.lifecycle.create(request)),
            "@dispose": (Nothing, lambda target, _request: self.lifecycle.dispose(target)),
            "@dispatch": (DispatchRequest, self.movement.dispatch),
            "@clone": (CloneRequest, self.movement.clone),
            "@prepare": (Arrival, self.movement.prepare),
            "@activate": (Settle, self.movement.activate),
            "@abandon": (Settle, self.movement.abandon),
            "@info": (Nothing, lambda target, _request: information.of(target)),
            "@list": (Nothing, lambda _target, _request: information.listing()),
            "@health": (Nothing, lambda _target, _request: information.health()),
            "@find": (FindRequest, lambda _target, request: information.find(request.key)),
            "@members": (Members, lambda _target, request: self._take_members(request)),
            "@code": (CodeRequest, lambda _target, request: self._give_code(request)),
            "@code-put": (CodeBundle, lambda _target, request: self._take_code(request)),
        }

    # ---- start and stop

    def start_background(self) -> Host:
        """Listen; returns itself."""
        self.server = FrameServer(self.address, self.requests.on_frame, name=self.name)
        self.started_at = time.time()
        self.server.start()
        if self.mesh is None:
            self.members.update(0, [self.ref()])
        else:
            self._join(self.mesh)
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
        """End: no more requests, waits are woken, threads end after what they run."""
        if self.mesh is not None:
            with self._by_mesh_lock:
                others = self._by_mesh.get(self.mesh, {})
                if others.get(self.name) is self:
                    del others[self.name]
                    self._tell(others)
        self._close_server()
        for resident in self.residents.all():
            self.lifecycle.withdraw(resident)
        self.workers.close()
        self.client.close()
        with suppress(OSError):
            (self._dir / f"{self.name}.sock").unlink()
        if self._own_dir:
            shutil.rmtree(self._dir, ignore_errors=True)

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
        born = self.lifecycle.create(request)
        return PagletProxy(url, born.agent_id, self.client, name=born.name, class_name=born.class_name)

    def get_proxy(self, agent_id: str) -> PagletProxy:
        """A proxy of a paglet here, by id or name; InvalidAgentError when there is none."""
        resident = self.residents.require(agent_id)
        return PagletProxy(
            self.address, resident.agent_id, self.client, name=resident.name, class_name=resident.class_name
        )

    def get_proxies(self) -> list[PagletProxy]:
        """The paglets here."""
        return [self.get_proxy(resident.agent_id) for resident in self.residents.all()]

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
        born = self.movement.dispatch(agent_id, DispatchRequest(ticket.destination, ticket.timeout))
        return PagletProxy(born.host_url, born.agent_id, self.client, name=born.name, class_name=born.class_name)

    def clone(self, agent_id: str, target: str | TransferTicket | None = None) -> PagletProxy:
        """Clone a paglet that lives here, on this host or another."""
        ticket = target if isinstance(target, TransferTicket) else TransferTicket(target or "", timeout=_TIMEOUT)
        born = self.movement.clone(agent_id, CloneRequest(ticket.destination, ticket.timeout))
        return PagletProxy(born.host_url, born.agent_id, self.client, class_name=born.class_name)

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

    def ref(self) -> HostRef:
        """What others are told of this host."""
        return HostRef(self.name, self.address, last_seen=time.time(), active_count=len(self.residents))

    # ---- verbs that need no room of their own

    def _take_members(self, members: Members) -> Nothing:
        self.members.update(members.epoch, list(members.hosts))
        return Nothing()

    def _give_code(self, request: CodeRequest) -> CodeBundle:
        bundle = code_store.bundle(request.digest)
        if bundle is None:
            raise SerializationError(f"the code {request.digest} is not on {self.name}")
        return CodeBundle(bundle.digest, bundle.name, bundle.pickled, bundle.sources)

    def _take_code(self, bundle: CodeBundle) -> Nothing:
        code_store.add(Bundle(bundle.digest, bundle.name, bundle.pickled, bundle.sources))
        return Nothing()

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
    wired = None if state is None else wire.dataclass_to_wire(state)
    return CreateRequest(code_store.name_of(cls), wired, init, name)
