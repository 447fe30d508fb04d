"""Hosts that outlive their owner: handed over by one supervisor, taken up by the next.

Runs on the process's loop. Starting, watching and ending hosts is the supervisor's.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import anyio
from anyio.abc import TaskGroup

from paglets_nb.errors import MeshError, PagletError
from paglets_nb.mesh.engines.base import Engine, HostSpec
from paglets_nb.mesh.membership import Membership
from paglets_nb.mesh.records import HostRecord
from paglets_nb.mesh.registry import KnownHost
from paglets_nb.mesh.relay import KernelRelay

__all__ = ["Succession"]

_ATTACH = 4.0
"""Seconds that a host which is attached has to answer; one that is silent is asked on."""
_ASK_ON = 60.0
_LOOK = 0.01
_OWN = 2.0
_WELCOME = 1.0


class Succession:
    """What of a supervisor is about hosts that outlive their owner.

    Attributes:
        records: what is known of each host, by name.
        keep: notes the hosts where the next owner finds them, so that they outlive this one; None where they do not.
    """

    records: dict[str, HostRecord]
    keep: Callable[[], None] | None = None
    _engine: Engine
    _group: TaskGroup | None
    _membership: Membership
    _restarts: int

    def _spec(self, name: str) -> HostSpec:
        raise NotImplementedError

    def _begin_watch(self, record: HostRecord) -> None:
        raise NotImplementedError

    async def _start_again(self, record: HostRecord) -> None:
        raise NotImplementedError

    async def _tell(self) -> None:
        """Tell everybody who is concerned that the hosts have changed."""
        if self.keep is not None:
            with suppress(PagletError):  # what was noted before still leads to most of them
                self.keep()
        await self._membership.tell()

    async def _own(self, record: HostRecord, outlive: bool) -> None:
        process = record.process
        if process is None or not await process.own(os.getpid(), outlive, _OWN):
            raise MeshError(f"host {record.name!r} does not answer, so it would end with this process")

    async def outlive(self, keep: Callable[[], None]) -> None:
        """Have the hosts outlive this process from now on.

        Args:
            keep: notes the hosts where the next owner finds them; called whenever they change.

        Raises:
            MeshError: a host does not answer; then nothing has changed.
        """
        self.keep = keep
        failures: list[PagletError] = []

        async def own(record: HostRecord, outlive: bool) -> None:
            try:
                await self._own(record, outlive)
            except PagletError as error:
                failures.append(error)

        try:
            keep()
            await self._each(own, True, states=("up",))
            if failures:
                raise failures[0]
        except BaseException:
            self.keep = None
            with anyio.CancelScope(shield=True):
                await self._each(own, False, states=("up",))
            raise

    async def attach(self, known: Sequence[KnownHost], on_progress: Callable[[HostRecord], None] | None = None) -> None:
        """Take over hosts that outlived their last owner, and start those again that did not.

        One that does not answer within a few seconds is ``silent``, and ``up`` once it does.
        """
        for host in known:
            self.records[host.name] = HostRecord(host.name, self._restarts)

        async def attach_one(host: KnownHost) -> None:
            record = self.records[host.name]
            await self._attach_one(record, host)
            if on_progress is not None:
                on_progress(record)

        async with anyio.create_task_group() as group:
            for host in known:
                group.start_soon(attach_one, host)
        await self._tell()

    async def _attach_one(self, record: HostRecord, host: KnownHost) -> None:
        process = await self._engine.adopt(self._spec(host.name), host.pid, host.url)
        if process is None:
            record.state, record.reason = "dead", "ended while nobody was attached"
            if record.window.take():
                record.state = "restarting"
                await self._start_again(record)
            return
        record.process, record.url, record.pid = process, host.url, host.pid
        record.relay = KernelRelay(record.name, process.client)
        record.state, record.reason = "silent", "does not answer"
        self._membership.changes.tell()
        self._begin_watch(record)
        with anyio.move_on_after(_ATTACH):
            while record.state == "silent":
                await anyio.sleep(_LOOK)

    async def _until_it_answers(self, record: HostRecord) -> None:
        """Ask a silent host until it answers, and have it as one of ours then."""
        process, relay = record.process, record.relay
        while process is not None and relay is not None:
            problem = await process.find_endpoint(_ASK_ON)
            if problem:
                record.reason = problem
                return
            if problem is None:
                await anyio.sleep(_LOOK)
                continue
            await relay.wait_connected(_WELCOME)
            await self._membership.teach(record)
            if await process.own(os.getpid(), True, _OWN):
                break
        record.state, record.reason, record.last_seen = "up", "", time.time()
        await self._tell()

    async def _leave(self, record: HostRecord) -> None:
        if record.relay is not None:
            record.relay.fail("the mesh was detached")
        await record.watch.end()
        if record.process is not None:
            if record.state == "up":
                await record.process.own(0, True, _OWN)
            await record.process.let_go()

    async def _each(self, function: Callable[..., Any], *arguments: Any, states: Sequence[str] = ()) -> None:
        async with anyio.create_task_group() as group:
            for record in list(self.records.values()):
                if not states or record.state in states:
                    group.start_soon(function, record, *arguments)
