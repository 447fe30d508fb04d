"""Arrivals: paglets on their way to this host, from the preparation to their first turn.

A prepared paglet is stored (a durable one on disk) and inactive. It wakes when its
source says that it has committed, or when asking the source shows that it has.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

from paglets_nb.codec import wire
from paglets_nb.core.events import CloneEvent, MobilityEvent
from paglets_nb.core.records import Record, field
from paglets_nb.errors import InvalidAgentError, NameTakenError, TransferError
from paglets_nb.host.failpoints import failpoint
from paglets_nb.host.protocol import Arrival, Nothing, Settle
from paglets_nb.host.records import INACTIVE, PREPARED, StoredPaglet
from paglets_nb.version import __version__

if TYPE_CHECKING:
    from paglets_nb.host.host import Host
    from paglets_nb.host.residents import Resident

__all__ = ["Arrivals", "Prepared"]

_NOTHING = Nothing()
KEPT_SETTLED = 10_000


class Prepared(Record, eq=False):
    """A paglet on its way.

    Attributes:
        resident: the paglet, built, with its turn taken.
        arrival: what its source sent.
        since: monotonic seconds.
        taken: by whoever settles it.
    """

    resident: Resident
    arrival: Arrival
    since: float = field(default_factory=time.monotonic)
    taken: bool = False


class Arrivals:
    """Receives the paglets that come to one host."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._lock = threading.Lock()
        self._prepared: dict[str, Prepared] = {}
        self._settled: dict[str, bool] = {}

    # ---- prepare

    def prepare(self, _target: str, arrival: Arrival) -> Nothing:
        """Take in a paglet that is on its way; requests for it wait until it is activated.

        Raises:
            TransferError: the ticket asks for what this host does not offer.
            NameTakenError: its id or name is in use here.
            SerializationError: its class or state does not load here.
        """
        host = self._host
        if arrival.operation_id in self._prepared or arrival.operation_id in self._settled:
            return _NOTHING
        self._check(arrival)
        resident = self._build(arrival)
        failpoint("target.before_store")
        host.residents.add(resident)
        try:
            durable = resident.durability != "memory"
            if arrival.files:
                fetch = host.file_source.fetcher(arrival.source_url, arrival.operation_id)
                tell = host.file_source.teller(arrival.source_url, arrival.operation_id) if fetch is None else None
                host.files.stage(arrival.operation_id, arrival.files, fetch, tell, durable=durable)
            if durable:
                kept = [name for name in arrival.__struct_fields__ if name not in ("state", "applied")]
                extra = {name: getattr(arrival, name) for name in kept}
                stored = host.durability.stored(resident, PREPARED, extra=extra, operation_id=arrival.operation_id)
                host.durability.keep_prepared(resident, stored)
            failpoint("target.stored")
        except BaseException:
            self._drop(resident, arrival)
            raise
        with self._lock:
            self._prepared[arrival.operation_id] = Prepared(resident, arrival)
        host.settlement.watch()
        failpoint("target.prepared")
        return _NOTHING

    def _check(self, arrival: Arrival) -> None:
        host = self._host
        wanted = arrival.expected_code_version
        if wanted and wanted != __version__:
            raise TransferError(f"{host.name} runs version {__version__}, the ticket wants {wanted}")
        required = arrival.required_capabilities
        if required and (missing := sorted(set(required) - host.capabilities())):
            raise TransferError(f"{host.name} does not offer {', '.join(missing)}, which the ticket requires")
        if arrival.name:
            known = host.sleep.lookup(arrival.name)
            if known is not None and known.agent_id != arrival.agent_id:
                raise NameTakenError(arrival.name, host.name)

    def _build(self, arrival: Arrival) -> Resident:
        host = self._host
        cls = host.lifecycle.load(arrival.class_name)
        resident = host.lifecycle.build(cls, arrival.class_name, arrival.state, arrival.agent_id, arrival.name)
        resident.epoch = arrival.epoch
        resident.arriving = True
        if arrival.applied:
            resident.applied.update(arrival.applied)
        return resident

    def restore(self, stored: StoredPaglet) -> None:
        """A prepared paglet found in the store when the host starts."""
        arrival: Arrival = wire.convert({**(stored.extra or {}), "state": stored.state}, Arrival)
        resident = self._build(arrival)
        self._host.durability.restore_applied(resident)
        self._host.residents.add(resident)
        with self._lock:
            self._prepared[arrival.operation_id] = Prepared(resident, arrival)

    # ---- the end of it

    def _take(self, operation_id: str) -> Prepared | None:
        """The prepared paglet, for one caller only; None when it is settled already."""
        with self._lock:
            found = self._prepared.get(operation_id)
            if found is None:
                if operation_id in self._settled:
                    return None
                raise TransferError(f"no paglet is on its way here under {operation_id}")
            if found.taken:
                return None
            found.taken = True
            return found

    def _finish(self, operation_id: str, activated: bool) -> None:
        with self._lock:
            self._prepared.pop(operation_id, None)
            self._settled[operation_id] = activated
            while len(self._settled) > KEPT_SETTLED:
                self._settled.pop(next(iter(self._settled)))

    def activate(self, _target: str, settle: Settle) -> Nothing:
        """The source has committed: the paglet lives here now. Harmless when repeated."""
        found = self._take(settle.operation_id)
        if found is None:
            return _NOTHING
        failpoint("target.before_activate")
        host, resident, arrival = self._host, found.resident, found.arrival
        resident.arriving = False
        host.events.record("arrival", arrival.agent_id, mode=arrival.mode, source=arrival.source_url)
        try:
            if arrival.files:
                host.files.adopt(arrival.operation_id, arrival.agent_id, durable=resident.durability != "memory")
            if arrival.inactive:
                self._lay_down(resident)
            else:
                hook, event = self._hook(resident, arrival)
                failpoint("target.built")
                host.lifecycle.settle(resident, hook, event)
        finally:
            self._finish(settle.operation_id, activated=True)
        failpoint("target.active")
        return _NOTHING

    def _hook(self, resident: Resident, arrival: Arrival) -> tuple[Any, Any]:
        paglet, host = resident.paglet, self._host
        if arrival.mode == "clone":
            return paglet.on_clone, CloneEvent(
                arrival.agent_id, host.name, arrival.agent_id, arrival.parent_id, host.address
            )
        return paglet.on_arrival, MobilityEvent(arrival.agent_id, host.name, arrival.source_url, host.address)

    def _lay_down(self, resident: Resident) -> None:
        """It arrives asleep."""
        stored = self._host.durability.stored(resident, INACTIVE)
        self._host.durability.records.save(stored)
        self._host.sleep.add(stored)
        self._host.lifecycle.withdraw(resident)

    def abandon(self, _target: str, settle: Settle) -> Nothing:
        """The source has given up: forget the paglet. Harmless when repeated."""
        try:
            found = self._take(settle.operation_id)
        except TransferError:
            self._finish(settle.operation_id, activated=False)  # a late preparation finds it settled
            self._host.files.abandon(settle.operation_id)
            return _NOTHING
        if found is not None:
            self._drop(found.resident, found.arrival)
            self._finish(settle.operation_id, activated=False)
        return _NOTHING

    def _drop(self, resident: Resident, arrival: Arrival) -> None:
        """The paglet does not come; whoever looks for it here is sent to where it is."""
        host = self._host
        url = "" if arrival.mode == "clone" else arrival.source_url
        host.lifecycle.withdraw(resident, forward_to=url)
        host.files.abandon(arrival.operation_id)
        if resident.durability != "memory" and host.durability.exists:
            host.durability.records.abandon(
                arrival.operation_id, arrival.agent_id, arrival.name, arrival.epoch - 1, url
            )
            if url and resident.durability == "message":
                host.settlement.forward_later(arrival.agent_id, url)

    def in_doubt(self, older_than: float) -> list[Prepared]:
        """Those that have waited for more than ``older_than`` seconds."""
        limit = time.monotonic() - older_than
        with self._lock:
            return [found for found in self._prepared.values() if not found.taken and found.since <= limit]

    def require_none(self, agent_id: str) -> None:
        """InvalidAgentError while the paglet with this id is only on its way here."""
        with self._lock:
            if any(found.arrival.agent_id == agent_id for found in self._prepared.values()):
                raise InvalidAgentError(agent_id, self._host.name)
