"""The supervisor: starts hosts, sees them die at once, starts them again within a limit.

Runs on the process's loop; every method here is awaited there. The mesh is its face.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path

import anyio
from anyio.abc import TaskGroup

from paglets_nb.errors import HostDiedError, MeshError, PagletError, UnknownHostError
from paglets_nb.host.asleep import asleep_in, stored_ids
from paglets_nb.host.client import HostClient
from paglets_nb.mesh.engines.base import Engine, HostProcess, HostSpec
from paglets_nb.mesh.losses import Losses, listed_names
from paglets_nb.mesh.membership import Membership
from paglets_nb.mesh.records import HostRecord, Watch
from paglets_nb.mesh.relay import CodeResult, KernelRelay
from paglets_nb.mesh.sinks import OutputSink
from paglets_nb.mesh.succession import Succession
from paglets_nb.mesh.whereabouts import PagletSpot

__all__ = ["Supervisor"]

START_TIMEOUT = 60.0


class Supervisor(Succession):
    """Starts and watches the hosts of one mesh.

    Args:
        mesh: the mesh's name.
        engine: starts the processes.
        directory: the mesh's run-time folder.
        data_dir: the folder for what outlives the hosts.
        client: speaks to the hosts.
        restarts: how often a host that died is started again within 60 s.

    Attributes:
        directory: the mesh's run-time folder.
        records: what is known of each host, by name.
        changes: told whenever that changes.
        losses: knows what lives on the hosts; None where nobody asks what is lost.
        on_loss: called when a host that died took paglets along, off the loop; must not raise.
    """

    losses: Losses | None = None
    on_loss: Callable[[HostRecord], None] = staticmethod(lambda _record: None)

    def __init__(
        self, mesh: str, engine: Engine, directory: Path, data_dir: Path, client: HostClient, restarts: int
    ) -> None:
        self._mesh = mesh
        self._engine = engine
        self.directory = directory
        self._data_dir = data_dir
        self._restarts = restarts
        self._stopping: anyio.Event | None = None
        self._leaving = False
        self._group: TaskGroup | None = None
        self._membership = Membership(client)
        self.records = self._membership.records
        self.changes = self._membership.changes

    async def supervise(self, ready: Future[None]) -> None:
        """Watch the hosts until ``stop``; ``ready`` settles when hosts can be started."""
        self._stopping = anyio.Event()
        try:
            async with anyio.create_task_group() as group:
                self._group = group
                ready.set_result(None)
                await self._stopping.wait()
                if not self._leaving:
                    await self._membership.save()
                self._group = None
                group.cancel_scope.cancel()
        finally:
            with anyio.CancelScope(shield=True):
                await self._each(self._leave if self._leaving else self._end)

    # ---- start

    async def start(self, names: list[str], on_progress: Callable[[HostRecord], None] | None = None) -> None:
        """Start hosts side by side; when one fails none of them stays.

        Raises:
            MeshError: one did not start, says why; or one of that name is there already.
        """
        failures: list[PagletError] = []

        async def start_one(record: HostRecord, group: TaskGroup) -> None:
            try:
                await self._start_one(record)
            except PagletError as error:
                failures.append(error)
                group.cancel_scope.cancel()
                return
            if on_progress is not None:
                on_progress(record)

        taken = [name for name in names if name in self.records]
        if taken:
            raise MeshError(f"mesh {self._mesh!r} has a host {taken[0]!r} already")
        records = [HostRecord(name, self._restarts) for name in names]
        self.records.update({record.name: record for record in records})
        self.changes.tell()
        try:
            async with anyio.create_task_group() as group:
                for record in records:
                    group.start_soon(start_one, record, group)
            if failures:
                raise failures[0]
        except BaseException:
            with anyio.CancelScope(shield=True):
                for record in records:
                    self.records.pop(record.name, None)
                    await self._end(record)
            raise
        await self._tell()

    def _spec(self, name: str) -> HostSpec:
        return HostSpec(name, self._mesh, self.directory, self._data_dir / name)

    async def _start_one(self, record: HostRecord) -> None:
        process = await self._engine.start(self._spec(record.name), START_TIMEOUT)
        record.process, record.url, record.pid = process, process.url, process.pid
        await self._membership.teach(record)
        if self._group is None:
            await process.kill()
            raise MeshError(f"mesh {self._mesh!r} is stopping")
        record.relay = KernelRelay(record.name, process.client)
        record.state, record.last_seen = "up", time.time()
        self._begin_watch(record)
        if self.keep is not None:
            self.keep()  # before it outlives us, so that somebody finds it
            await self._own(record, True)

    # ---- death and restart

    def _begin_watch(self, record: HostRecord) -> None:
        """Watch a host's process from now on, as long as hosts are watched."""
        if self._group is not None and record.process is not None and record.relay is not None:
            record.watch = Watch()
            self._group.start_soon(self._watch, record, record.watch, record.process, record.relay)

    async def _watch(self, record: HostRecord, watch: Watch, process: HostProcess, relay: KernelRelay) -> None:
        """See one host die, and start it again where the limit allows; its relay runs meanwhile."""
        reason = ""

        async def until_dead() -> None:
            nonlocal reason
            async with anyio.create_task_group() as group:
                group.start_soon(relay.run)
                if record.state == "silent":
                    group.start_soon(self._until_it_answers, record)
                reason = await process.wait_dead()
                group.cancel_scope.cancel()

        await watch.run(until_dead)
        if record.state not in ("up", "silent"):
            return
        record.state, record.reason = "restarting", reason
        gone = self._ended(record)
        self.changes.tell()
        relay.fail(reason)
        with anyio.CancelScope(shield=True):
            await process.kill()
        if not record.window.take():
            record.state = "dead"
            if record.restarts:
                record.reason = (
                    f"{reason}; restarted {record.restarts} times, {record.window.limit} in a minute allowed"
                )
        await self._tell()
        async with record.starting:
            if record.state == "restarting":
                await self._start_again(record)
        await self._take_stock(record, gone, reason)
        if record.lost:
            await anyio.to_thread.run_sync(self.on_loss, record, abandon_on_cancel=True)

    def _ended(self, record: HostRecord) -> list[PagletSpot]:
        """What lived on a host whose process has ended, or is about to."""
        return [] if self.losses is None else self.losses.ended(record.name)

    async def _take_stock(self, record: HostRecord, gone: list[PagletSpot], why: str) -> None:
        """See which of the paglets that lived on a host are lost, and note them in its log."""
        losses = self.losses

        def look() -> list[str]:
            lost = losses.lost(gone, stored_ids(self._data_dir)) if losses is not None and gone else []
            if lost:
                with suppress(OSError), open(self.directory / f"{record.name}.log", "a", encoding="utf-8") as log:
                    log.write(f"{time.strftime('%H:%M:%S')} {record.name}: {why}; lost: {listed_names(lost)}\n")
            return lost

        record.lost = tuple(await anyio.to_thread.run_sync(look, abandon_on_cancel=True) if gone else ())
        self.changes.tell()

    async def _start_again(self, record: HostRecord) -> None:
        record.restarts += 1
        try:
            await self._start_one(record)
        except PagletError as error:
            record.state, record.reason = "dead", str(error)
        await self._tell()

    async def restart(self, name: str, why: str) -> None:
        """End a host and start it again; its durable paglets come back. Once begun it ends with the host up.

        Args:
            name: the host's.
            why: what its reason says from then on, e.g. ``by request``.

        Raises:
            MeshError: it did not start again; says why.
        """
        record = self.require(name)
        async with record.starting:
            with anyio.CancelScope(shield=True):
                await self._membership.save_one(record)
                gone = self._ended(record)
                await self._end(record, f"it was restarted {why}")
                record.state = "restarting"
                self.changes.tell()
                await self._start_again(record)
                await self._take_stock(record, gone, f"restarted {why}")
                if record.state != "up":
                    raise MeshError(record.reason)
                record.reason = why
                self.changes.tell()

    # ---- what hosts are asked

    def require(self, name: str) -> HostRecord:
        """A host by name; UnknownHostError names those there are."""
        record = self.records.get(name)
        if record is None:
            raise UnknownHostError(name, self.records)
        return record

    def asleep(self) -> dict[str, int]:
        """How many paglets are stored for hosts that the mesh had once and has not now, by host."""
        return asleep_in(self._data_dir, self.records)

    async def execute(self, name: str, code: str, sink: OutputSink | None, store_history: bool) -> Future[CodeResult]:
        """Have a host's kernel execute code."""
        record = self.require(name)
        record.require_up()
        if record.relay is None:
            raise HostDiedError(name, record.state, delivered=False)
        return await record.relay.execute(code, sink, store_history)

    async def sync_output(self, timeout: float) -> None:
        """Wait until what the hosts have printed so far has come, at most ``timeout`` seconds."""
        async with anyio.create_task_group() as group:
            for record in self.records.values():
                if record.relay is not None and record.state == "up":
                    group.start_soon(record.relay.sync, timeout)

    async def interrupt(self, name: str) -> int:
        """Interrupt what a host's kernel executes; how many cells of this mesh's owner that were."""
        record = self.require(name)
        if record.process is None or record.state != "up":
            return 0
        count = 0 if record.relay is None else record.relay.executing
        await record.process.interrupt()
        return count

    # ---- the end

    async def stop_host(self, name: str) -> None:
        """End one host, forget it and tell the others."""
        record = self.require(name)
        await self._membership.save_one(record)
        await self._end(record)
        self.records.pop(name, None)
        await self._tell()

    async def _end(self, record: HostRecord, reason: str = "it was stopped") -> None:
        if record.state != "dead":
            record.state, record.reason = "stopped", reason
        self.changes.tell()
        if record.relay is not None:
            record.relay.fail(record.reason)
        await record.watch.end()
        if record.process is not None:
            await record.process.kill()

    def stop(self) -> None:
        """Have ``supervise`` end every host and return."""
        if self._stopping is not None:
            self._stopping.set()

    def leave(self) -> None:
        """Have ``supervise`` return and the hosts go on, which outlive us."""
        self._leaving = True
        self.stop()
