"""The supervisor: starts hosts, sees them die, tells the others.

Runs on the process's loop; every method here is awaited there. The mesh is its face.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from pathlib import Path

import anyio
from anyio.abc import TaskGroup

from paglets_nb.core.references import HostRef
from paglets_nb.errors import HostDiedError, MeshError, PagletError, UnknownHostError
from paglets_nb.host.client import HostClient
from paglets_nb.host.protocol import Members, Nothing
from paglets_nb.mesh.engines.base import Engine, HostProcess, HostSpec
from paglets_nb.mesh.relay import CodeResult, KernelRelay, OutputSink

__all__ = ["HostRecord", "Supervisor"]

START_TIMEOUT = 60.0
_TELL_TIMEOUT = 2.0


class HostRecord:
    """What the supervisor knows of one host.

    Attributes:
        state: ``starting``, ``up``, ``dead`` or ``stopped``.
        reason: why it is dead.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.state = "starting"
        self.reason = ""
        self.url = ""
        self.pid = 0
        self.last_seen = 0.0
        self.process: HostProcess | None = None
        self.relay: KernelRelay | None = None
        self.scope = anyio.CancelScope()

    def ref(self) -> HostRef:
        """What the other hosts are told."""
        return HostRef(self.name, self.url, online=self.state == "up", last_seen=self.last_seen, error=self.reason)


class Supervisor:
    """Starts and watches the hosts of one mesh.

    Args:
        mesh: the mesh's name.
        engine: starts the processes.
        directory: the mesh's run-time folder.
        client: speaks to the hosts.
    """

    def __init__(self, mesh: str, engine: Engine, directory: Path, client: HostClient) -> None:
        self._mesh = mesh
        self._engine = engine
        self._directory = directory
        self._client = client
        self._epoch = time.monotonic_ns()
        self._stopping: anyio.Event | None = None
        self._group: TaskGroup | None = None
        self._telling = anyio.Lock()
        self.records: dict[str, HostRecord] = {}

    async def supervise(self, ready: Future[None]) -> None:
        """Watch the hosts until ``stop``; ``ready`` settles when hosts can be started."""
        self._stopping = anyio.Event()
        try:
            async with anyio.create_task_group() as group:
                self._group = group
                ready.set_result(None)
                await self._stopping.wait()
                group.cancel_scope.cancel()
        finally:
            with anyio.CancelScope(shield=True):
                await self._end_all()

    async def start(self, names: list[str], on_progress: Callable[[HostRecord], None] | None = None) -> None:
        """Start hosts side by side; when one fails none of them stays.

        Raises:
            MeshError: one did not start; says why.
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

        records = [HostRecord(name) for name in names]
        self.records.update({record.name: record for record in records})
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
        await self.tell_members()

    async def _start_one(self, record: HostRecord) -> None:
        spec = HostSpec(record.name, self._mesh, self._directory)
        process = await self._engine.start(spec, START_TIMEOUT)
        record.process, record.url, record.pid = process, process.url, process.pid
        record.relay = KernelRelay(record.name, process.client)
        record.state, record.last_seen = "up", time.time()
        if self._group is None:
            raise MeshError(f"mesh {self._mesh!r} is stopping")
        self._group.start_soon(self._watch, record)

    async def _watch(self, record: HostRecord) -> None:
        """See one host die; its relay runs meanwhile."""
        process, relay = record.process, record.relay
        assert process is not None and relay is not None
        with record.scope:
            async with anyio.create_task_group() as group:
                group.start_soon(relay.run)
                reason = await process.wait_dead()
                group.cancel_scope.cancel()
            if record.state == "up":
                record.state, record.reason = "dead", reason
                relay.fail(reason)
                process.client.stop_channels()
                await self.tell_members()

    async def tell_members(self) -> None:
        """Push the membership to every host that is up."""
        async with self._telling:
            self._epoch = max(self._epoch + 1, time.monotonic_ns())
            members = Members(self._epoch, [record.ref() for record in self.records.values()])
            async with anyio.create_task_group() as group:
                for record in list(self.records.values()):
                    if record.state == "up":
                        group.start_soon(self._tell, record, members)

    async def _tell(self, record: HostRecord, members: Members) -> None:
        ask = partial(self._client.ask, record.url, "@members", members, Nothing, timeout=_TELL_TIMEOUT)
        try:
            await anyio.to_thread.run_sync(ask, abandon_on_cancel=True)
        except (HostDiedError, TimeoutError):
            return  # its death, or its silence, is the watcher's to deal with

    def require(self, name: str) -> HostRecord:
        """A host by name; UnknownHostError names those there are."""
        record = self.records.get(name)
        if record is None:
            raise UnknownHostError(name, self.records)
        return record

    async def execute(self, name: str, code: str, sink: OutputSink | None, store_history: bool) -> Future[CodeResult]:
        """Have a host's kernel execute code."""
        record = self.require(name)
        if record.relay is None or record.state != "up":
            raise HostDiedError(name, record.reason or record.state)
        return await record.relay.execute(code, sink, store_history)

    async def interrupt(self, name: str) -> None:
        """Interrupt what a host's kernel executes."""
        record = self.require(name)
        if record.process is not None and record.state == "up":
            await record.process.interrupt()

    async def stop_host(self, name: str) -> None:
        """End one host and tell the others."""
        await self._end(self.require(name))
        await self.tell_members()

    async def _end(self, record: HostRecord) -> None:
        ended = record.state in ("dead", "stopped")
        if not ended:
            record.state, record.reason = "stopped", "it was stopped"
        if record.relay is not None:
            record.relay.fail(record.reason)
        record.scope.cancel()
        if record.process is not None:
            await record.process.kill()

    async def _end_all(self) -> None:
        async with anyio.create_task_group() as group:
            for record in self.records.values():
                group.start_soon(self._end, record)

    def stop(self) -> None:
        """Have ``supervise`` end every host and return."""
        if self._stopping is not None:
            self._stopping.set()
