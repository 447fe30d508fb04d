"""Membership: who the hosts are, pushed to each of them on every change."""

from __future__ import annotations

import time
from functools import partial

import anyio

from paglets_nb.codec.modules import module_store
from paglets_nb.errors import HostDiedError, PagletError
from paglets_nb.host.client import HostClient
from paglets_nb.host.modules import MODULE_VERB, DefineRequest
from paglets_nb.host.protocol import Members, Nothing
from paglets_nb.mesh.changes import Changes
from paglets_nb.mesh.records import HostRecord

__all__ = ["Membership"]

_TELL_TIMEOUT = 2.0
_SAVE_TIMEOUT = 1.5


class Membership:
    """The records of a mesh's hosts, and how the hosts hear of each other.

    Args:
        client: speaks to the hosts.

    Attributes:
        records: by name, in the order in which they joined.
        changes: who hears of changes in this process.
    """

    def __init__(self, client: HostClient) -> None:
        self._client = client
        self._epoch = time.monotonic_ns()
        self._telling = anyio.Lock()
        self.records: dict[str, HostRecord] = {}
        self.changes = Changes()

    async def tell(self) -> None:
        """Push the membership to every host that is up."""
        self.changes.tell()
        async with self._telling:
            self._epoch = max(self._epoch + 1, time.monotonic_ns())
            members = Members(self._epoch, [record.ref() for record in self.records.values()])
            async with anyio.create_task_group() as group:
                for record in list(self.records.values()):
                    if record.state == "up":
                        group.start_soon(self._ask, record, "@members", members, _TELL_TIMEOUT)

    async def teach(self, record: HostRecord) -> None:
        """Give a host that has come up the modules that were defined before."""
        for module in module_store.all():
            request = DefineRequest(module.name, module.text, module.version, load=False)
            await self._ask(record, MODULE_VERB, request, _TELL_TIMEOUT)

    async def save(self) -> None:
        """Have every host store its durable paglets, as far as it answers."""
        async with anyio.create_task_group() as group:
            for record in self.records.values():
                if record.state == "up":
                    group.start_soon(self._ask, record, "@save", Nothing(), _SAVE_TIMEOUT)

    async def save_one(self, record: HostRecord) -> None:
        """The same for one host."""
        if record.state == "up":
            await self._ask(record, "@save", Nothing(), _SAVE_TIMEOUT)

    async def _ask(self, record: HostRecord, verb: str, request: object, timeout: float) -> None:
        ask = partial(self._client.ask, record.url, verb, request, Nothing, timeout=timeout)
        try:
            await anyio.to_thread.run_sync(ask, abandon_on_cancel=True)
        except (HostDiedError, TimeoutError):
            return  # its death, or its silence, is the watcher's to deal with
        except PagletError as error:
            record.reason = str(error)
