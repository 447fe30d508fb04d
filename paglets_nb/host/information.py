"""What a host tells about itself and its paglets."""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING, Any

from paglets_nb.codec import wire
from paglets_nb.codec.shipping import code_store
from paglets_nb.core.paglet import Paglet
from paglets_nb.errors import HostDiedError, SerializationError
from paglets_nb.host.protocol import FindRequest, Found, HostInfo, Listing, OperationInfo, PagletInfo
from paglets_nb.host.records import StoredPaglet
from paglets_nb.host.residents import Resident
from paglets_nb.platform import memory_bytes

if TYPE_CHECKING:
    from paglets_nb.host.host import Host

__all__ = ["Information"]


class Information:
    """Answers questions about one host."""

    def __init__(self, host: Host) -> None:
        self._host = host

    def of(self, key: str) -> PagletInfo:
        """A paglet with its operations and its state."""
        stored = self._host.sleep.lookup(key)
        if stored is not None:
            return self._describe_stored(stored, whole=True)
        return self._describe(self._host.residents.require(key), whole=True)

    def listing(self) -> Listing:
        """Every paglet, without operations and state."""
        awake = [self._describe(resident, whole=False) for resident in self._host.guests()]
        return Listing(awake + [self._describe_stored(stored, whole=False) for stored in self._host.sleep.all()])

    def _describe_stored(self, stored: StoredPaglet, *, whole: bool) -> PagletInfo:
        return PagletInfo(
            agent_id=stored.agent_id,
            class_name=stored.class_name,
            host_name=self._host.name,
            host_url=self._host.address,
            pid=os.getpid(),
            name=stored.name,
            active=False,
            operations=self._operations_of(stored) if whole else [],
            state=stored.state if whole else {},
            durable=True,
        )

    @staticmethod
    def _operations(paglet: Paglet[Any]) -> list[OperationInfo]:
        found: list[OperationInfo] = []
        for operation in getattr(paglet, "operations", list)():
            names = [code_store.name_of(cls) for cls in (operation.request_type, operation.reply_type)]
            found.append(OperationInfo(operation.name, *names))
        return found

    def _operations_of(self, stored: StoredPaglet) -> list[OperationInfo]:
        """What a sleeping paglet will serve; asked of an object that lives nowhere."""
        try:
            cls = self._host.lifecycle.load(stored.class_name)
            return self._operations(cls(wire.state_from_wire(cls.State, stored.state), agent_id=stored.agent_id))
        except Exception:  # its class is not here, or needs a host to be made: its state can be told all the same
            return []

    def _describe(self, resident: Resident, *, whole: bool) -> PagletInfo:
        paglet = resident.paglet
        operations: list[OperationInfo] = []
        state: dict[str, Any] = {}
        if whole:
            operations = self._operations(paglet)
            with paglet.locked():
                try:
                    state = wire.dataclass_to_wire(paglet.state)
                except SerializationError as error:
                    state = {"unreadable": str(error)}
        return PagletInfo(
            agent_id=resident.agent_id,
            class_name=resident.class_name,
            host_name=self._host.name,
            host_url=self._host.address,
            pid=os.getpid(),
            name=resident.name,
            active=not resident.arriving,
            created_at=resident.created_at,
            waiting=resident.mailbox.waiting(),
            operations=operations,
            state=state,
            durable=resident.durability != "memory",
        )

    def health(self) -> HostInfo:
        """The host itself."""
        host = self._host
        resident, share = memory_bytes()
        return HostInfo(
            name=host.name,
            url=host.address,
            pid=os.getpid(),
            paglets=len(host.guests()),
            uptime=time.time() - host.started_at,
            connections=host.server.connections() if host.server is not None else 0,
            threads=threading.active_count(),
            asleep=host.sleep.count(),
            cpu_seconds=time.process_time(),
            rss_bytes=resident,
            pss_bytes=share,
            messages=host.events.messages,
        )

    def find(self, key: str) -> Found:
        """A paglet of this host by id or name; empty when it is not here."""
        resident = self._host.residents.lookup(key)
        if resident is None:
            stored = self._host.sleep.lookup(key)
            if stored is None:
                return Found()
            return Found(stored.agent_id, self._host.address, stored.name, stored.class_name)
        return Found(resident.agent_id, self._host.address, resident.name, resident.class_name)

    def find_on(self, url: str, key: str) -> Found:
        """The same on another host; empty when that one is gone."""
        try:
            return self._host.client.ask(url, "@find", FindRequest(key), Found, timeout=5.0)
        except HostDiedError:
            return Found()
