"""Detach and attach: a mesh that goes on when its owner ends, and the next owner that takes it up."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self, cast

from paglets_nb.errors import MeshError
from paglets_nb.host.loop import loop_thread
from paglets_nb.mesh.modules import learn_modules
from paglets_nb.mesh.naming import checked_mesh_name
from paglets_nb.mesh.registry import (
    Cursors,
    KnownHost,
    MeshEntry,
    read_cursors,
    read_registry,
    remove_registry,
    write_cursors,
    write_registry,
)
from paglets_nb.mesh.runtime_files import RuntimeFolder, only_detached
from paglets_nb.mesh.supervised import Supervised
from paglets_nb.mesh.supervisor import Supervisor

if TYPE_CHECKING:
    from paglets_nb.mesh.handles import HostHandle
    from paglets_nb.mesh.mesh import Mesh

__all__ = ["DETACHED", "Detachable"]

DETACHED = "the mesh was detached"
"""Why the hosts of a mesh that was let go of are not reached any more; they go on."""

_DETACH = 15.0


class Detachable(Supervised):
    """What of a mesh is about outliving its owner.

    Attributes:
        alone_since: POSIX seconds at which it lost its last owner; 0 for a mesh that was never attached.
    """

    _outlives = False
    alone_since = 0.0

    def _before(self, supervisor: Supervisor) -> None:
        supervisor.keep = self._keep if self._outlives else None

    @property
    def detached(self) -> bool:
        """Whether it was let go of here, and went on without this process."""
        return self.gone == DETACHED

    @property
    def standing(self) -> str:
        """How it is while it does not run, in words that say what to do."""
        if not self.detached:
            return super().standing
        return f"detached; take it up with: %paglet attach {self.name}, or Mesh.attach({self.name!r})"

    @property
    def outlives(self) -> bool:
        """Whether its hosts go on when this process ends."""
        return self._outlives

    def detach(self) -> None:
        """Let go of it: its hosts go on by themselves until ``attach``, in this process or in another.

        Raises:
            MeshError: it is not running; or a host does not answer, and nothing has changed.
        """
        supervisor = self.supervisor
        if not self._outlives:
            try:
                loop_thread.call(supervisor.outlive, self._keep, timeout=_DETACH, what=f"detaching {self.name}")
            except BaseException:
                remove_registry(supervisor.directory)
                raise
            self._outlives = True
        self._let_go()

    def release(self) -> None:
        """Be done with it: what may go on does, everything else ends."""
        if self._outlives:
            self._let_go()
        else:
            self.stop()

    def _let_go(self) -> None:
        self._gone_why = DETACHED
        self._close(Supervisor.leave, RuntimeFolder.leave)

    @classmethod
    def attach(cls, name: str | None = None, on_progress: Callable[[HostHandle], None] | None = None) -> Self:
        """Take up a mesh that was detached, or whose owner ended.

        Its hosts are as they were, with their paglets, tasks and events. A host that ended
        meanwhile is started again, within the limit; one that does not answer within a few
        seconds is ``silent``, and ``up`` once it does.

        Args:
            name: the mesh's; None for the only one there is.
            on_progress: called with each host as it is there, from another thread.

        Raises:
            MeshError: there is none of this name, or it belongs to a process that lives; without a name,
                there is not just one.
        """
        name = only_detached() if name is None else checked_mesh_name(name)
        folder = RuntimeFolder.take_over(name)
        try:
            entry = read_registry(folder.path)
            if entry is None or entry.name != name:
                raise MeshError(f"mesh {name!r} was not to outlive its owner, and has ended with it")
            if entry.machine != platform.node():
                raise MeshError(f"mesh {name!r} is on machine {entry.machine!r}, and this is {platform.node()!r}")
            mesh = cls._known(entry)
        except BaseException:
            folder.leave()
            raise
        tell = mesh._telling(on_progress)
        mesh._bring_up(lambda _name: folder, Supervisor.attach, entry.hosts, tell, mesh._let_go)
        try:
            mesh._catch_up(entry.hosts)
        except BaseException:
            mesh._let_go()
            raise
        return mesh

    @classmethod
    def _known(cls, entry: MeshEntry) -> Self:
        make: Any = cls
        made: Self = make(
            [host.name for host in entry.hosts],
            name=entry.name,
            engine=entry.engine,
            data_dir=entry.data_dir,
            restarts=entry.restarts,
            timeout=entry.timeout,
            detach=True,
        )
        return made

    def _catch_up(self, hosts: Iterable[KnownHost]) -> None:
        """Learn what happened while nobody was attached."""
        records = self.supervisor.records
        lost = [record.process.alone_since for record in records.values() if record.process is not None]
        self.alone_since = min((since for since in lost if since), default=0.0)
        learn_modules(cast("Mesh", self))
        for host in hosts:
            record = records[host.name]
            if record.pid != host.pid:
                self.event_log.note_gap(host.name, record.reason)
        self.notifications.start(shown_from=self.alone_since)

    def keep_cursors(self, cursors: Cursors) -> None:
        """Note for the next owner how far this one has come in reading paglets' events."""
        with suppress(OSError):
            write_cursors(self.supervisor.directory, cursors)

    def kept_cursors(self) -> Cursors:
        """How far the last owner had come."""
        return read_cursors(self.supervisor.directory)

    def _keep(self) -> None:
        """Write down what the next owner needs."""
        folder = self._folder
        if folder is None:
            return
        data_dir = self._data_dir or folder.path / "data"
        hosts = [KnownHost(record.name, record.pid, record.url) for record in self.supervisor.records.values()]
        known = [host for host in hosts if host.pid]
        limits = self._restarts, float(self.client.timeout)
        entry = MeshEntry(self.name, platform.node(), self._engine, str(data_dir), *limits, known)
        try:
            write_registry(folder.path, entry)
        except OSError as error:
            raise MeshError(f"what is to outlive this process could not be noted: {error}") from error
