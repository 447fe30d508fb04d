"""A mesh's run: from the folder it takes to the one it gives back, its hosts watched in between.

Knows the supervisor, the client and the addresses of the hosts; knows no paglet.
"""

from __future__ import annotations

import atexit
import threading
import weakref
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from paglets_nb.errors import MeshError, PagletError
from paglets_nb.host.client import HostClient
from paglets_nb.host.loop import loop_thread
from paglets_nb.mesh.engines.base import make_engine
from paglets_nb.mesh.events import MeshEvents
from paglets_nb.mesh.followers import HostAddress
from paglets_nb.mesh.handles import HostHandle
from paglets_nb.mesh.losses import Losses, listed_names
from paglets_nb.mesh.notifications import Notifications
from paglets_nb.mesh.records import HostRecord
from paglets_nb.mesh.runtime_files import RuntimeFolder
from paglets_nb.mesh.stored import delete_data, named_data
from paglets_nb.mesh.supervisor import START_TIMEOUT, Supervisor
from paglets_nb.services.user_info import NotificationSeverity

if TYPE_CHECKING:
    from paglets_nb.mesh.mesh import Mesh

__all__ = ["Supervised", "running_meshes"]

_STOP_TIMEOUT = 15.0
_running: weakref.WeakSet[Supervised] = weakref.WeakSet()


class Supervised:
    """What of a mesh is about its hosts being watched.

    Args:
        name: of the mesh.
        engine: what starts the hosts.
        data_dir: the folder for what outlives them; None for one that goes with them.
        restarts: how often a host that died is started again within 60 s.
        timeout: default seconds a call waits for its reply.

    Attributes:
        client: speaks to the hosts.
        event_log: their events, merged.
        notifications: what their paglets tell the person.
        losses: which paglets live on them, and are lost with one.
    """

    def __init__(self, name: str, engine: str, data_dir: Path | None, restarts: int, timeout: float) -> None:
        make_engine(engine)
        self.name = name
        self._engine = engine
        self._data_dir = data_dir
        self._restarts = restarts
        self._gone_why = ""
        self.client = self._make_client(timeout)
        self._lock = threading.RLock()
        self._folder: RuntimeFolder | None = None
        self._supervisor: Supervisor | None = None
        self._watching: Future[None] | None = None
        self.event_log = MeshEvents(lambda: self.client, self._addresses)
        self.notifications = Notifications(lambda: self.client, self._addresses)
        self.losses = Losses(lambda: self.client, self._addresses)

    def _make_client(self, timeout: float) -> HostClient:
        return HostClient(
            timeout=timeout,
            resolve=self._resolve,
            explain=self._explain,
            outlook=self._outlook,
            members=self._urls,
            fate=self._fate,
        )

    def _urls(self) -> list[str]:
        return [record.url for record in self._online()] if self.running else []

    @property
    def running(self) -> bool:
        """Whether it was started and not stopped."""
        return self._supervisor is not None

    @property
    def supervisor(self) -> Supervisor:
        """What watches its hosts; MeshError when it is not running."""
        if self._supervisor is None:
            raise MeshError(f"mesh {self.name!r} is {self.standing}")
        return self._supervisor

    @property
    def data_dir(self) -> Path | None:
        """The folder of what outlives its hosts; None where that goes with them."""
        return self._data_dir

    @property
    def gone(self) -> str:
        """Why it does not run any more; empty while it does, and before it did."""
        return "" if self.running else self._gone_why

    @property
    def standing(self) -> str:
        """How it is while it does not run, in words that say what to do."""
        return "not running; start it with start(), or use it in a with block"

    def _bring_up(
        self,
        take_folder: Callable[[str], RuntimeFolder],
        bring: Callable[..., Awaitable[None]],
        hosts: Sequence[Any],
        on_progress: Callable[[HostRecord], None],
        give_up: Callable[[], None],
    ) -> None:
        """Supervise hosts from now on.

        Args:
            take_folder: gives the folder of the mesh of a name.
            bring: what of the supervisor brings the hosts.
            hosts: what it takes.
            on_progress: called with each host as it is there, on the loop's thread.
            give_up: called where that fails.
        """
        with self._lock:
            if self.running:
                raise MeshError(f"mesh {self.name!r} is running already")
            self._folder = folder = take_folder(self.name)
            data_dir = self._data_dir or folder.path / "data"
            supervisor = Supervisor(
                self.name, make_engine(self._engine), folder.path, data_dir, self.client, self._restarts
            )
            supervisor.losses, supervisor.on_loss = self.losses, self._tell_loss
            self._before(supervisor)
            self._supervisor = supervisor
            ready: Future[None] = Future()
            self._watching = loop_thread.submit(supervisor.supervise, ready)
            _running.add(self)

        try:
            ready.result(START_TIMEOUT)
            loop_thread.call(bring, supervisor, hosts, on_progress, timeout=START_TIMEOUT + 5, what="starting the mesh")
        except BaseException:
            give_up()
            raise
        self.losses.start()

    def _tell_loss(self, record: HostRecord) -> None:
        """A host that died took paglets along: tell the person."""
        self.notifications.tell(
            record.name, NotificationSeverity.WARNING, record.reason, f"lost: {listed_names(record.lost)}"
        )

    def _before(self, supervisor: Supervisor) -> None:
        """What is to be done to a supervisor before it supervises."""

    def _telling(self, on_progress: Callable[[HostHandle], None] | None) -> Callable[[HostRecord], None]:
        """What tells of a host by its handle."""

        def tell(record: HostRecord) -> None:
            if on_progress is not None:
                on_progress(HostHandle(cast("Mesh", self), record))

        return tell

    def _close(self, end: Callable[[Supervisor], None], give_back: Callable[[RuntimeFolder], None]) -> None:
        """Supervise no more.

        Args:
            end: what becomes of the hosts.
            give_back: what becomes of the folder.
        """
        self.losses.close()
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
        _running.discard(self)
        self.client = self._make_client(self.client.timeout)
        if folder is not None:
            give_back(folder)

    def sync_output(self, timeout: float = 0.5) -> None:
        """Wait until what the hosts have printed so far has come here, at most ``timeout`` seconds."""
        if self.running:
            loop_thread.call(self.supervisor.sync_output, timeout, timeout=timeout + 1.0, what="waiting for output")

    def stop(self, *, forget: bool = False) -> None:
        """End every host, also of a mesh that may be detached. Harmless when it is not running.

        What a named mesh has stored stays for the next one of that name.

        Args:
            forget: delete that too, also of a named mesh that is not running.

        Raises:
            MeshError: it is to be forgotten, and somebody else has a mesh of this name, or its data
                is in a folder that was given to it; then nothing has changed.
        """
        inside = None if self._folder is None else self._folder.path / "data"
        if forget and self._data_dir not in (None, inside, named_data(self.name)):
            raise MeshError(f"mesh {self.name!r} keeps its data in {self._data_dir}: stop it, and delete that yourself")
        if self.running:
            self._gone_why = "the mesh was stopped"
        elif forget:
            self._folder = RuntimeFolder(self.name)
        self._close(Supervisor.stop, self._clear if forget else RuntimeFolder.remove)

    def _clear(self, folder: RuntimeFolder) -> None:
        """Take its folder away, and what is stored for the next mesh of its name."""
        try:
            delete_data(self.name)
        finally:
            folder.remove()

    def release(self) -> None:
        """Be done with it."""
        self.stop()

    # ---- addresses

    def _online(self) -> list[HostRecord]:
        return [record for record in self.supervisor.records.values() if record.state == "up"]

    def _addresses(self) -> list[HostAddress]:
        return [HostAddress(record.name, record.url) for record in self._online()] if self.running else []

    def _resolve(self, name_or_url: str) -> str:
        if "://" in name_or_url:
            return name_or_url
        record = self.supervisor.require(name_or_url)
        record.require_up()
        return record.url

    def _fate(self, key: str) -> str:
        return self.losses.fate(key)

    def _explain(self, url: str) -> str:
        if self._supervisor is None:
            return self._gone_why
        down = self._down(url)
        return "" if down is None else down.reason or down.state

    def _down(self, url: str) -> HostRecord | None:
        """What is known of the host that was at an address and is not up."""
        records = [] if self._supervisor is None else list(self._supervisor.records.values())
        return next((record for record in records if record.url == url and record.state != "up"), None)

    def _outlook(self, url: str) -> str:
        down = self._down(url)
        if down is not None and down.state == "restarting":
            return "it is being started again, without its paglets that are not durable"
        return f"lost: {listed_names(down.lost)}" if down is not None and down.state == "dead" and down.lost else ""


def running_meshes() -> list[Mesh]:
    """The meshes this process runs."""
    return [cast("Mesh", mesh) for mesh in list(_running) if mesh.running]


def _release_all() -> None:
    for mesh in list(_running):
        mesh.release()


atexit.register(_release_all)
