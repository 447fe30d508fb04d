"""Movement: a paglet leaves for another host, or a copy of it does.

The source prepares the target, then commits by itself in one step (from there on the
paglet lives over there and requests are forwarded), then activates the target. Until
the commit any failure leaves the paglet where it was.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from paglets_nb.codec import wire
from paglets_nb.core.events import CloneEvent, MobilityEvent
from paglets_nb.core.values import new_agent_id, new_message_id
from paglets_nb.errors import PagletError, TransferError
from paglets_nb.host.protocol import Arrival, Born, CloneRequest, DispatchRequest, Nothing, Settle

if TYPE_CHECKING:
    from paglets_nb.host.host import Host
    from paglets_nb.host.residents import Resident

__all__ = ["Movement"]


class Movement:
    """Sends and receives the paglets of one host."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._lock = threading.Lock()
        self._prepared: dict[str, tuple[Resident, Arrival]] = {}

    # ---- the side the paglet leaves

    def dispatch(self, target: str, request: DispatchRequest) -> Born:
        """Move a paglet: ``on_dispatching`` here, ``on_arrival`` and ``run()`` over there."""
        host = self._host
        resident = host.residents.require(target)
        url = host.members.resolve(request.target)
        if url == host.address:
            return Born(resident.agent_id, url, resident.name, resident.class_name)
        with host.lifecycle.turn_of(resident, request.timeout):
            host.residents.require(resident.agent_id)
            resident.paglet.on_dispatching(MobilityEvent(resident.agent_id, host.name, host.address, url))
            arrival = self._snapshot(resident, "dispatch", resident.agent_id, resident.name)
            self._prepare(url, arrival, request.timeout)
            host.lifecycle.withdraw(resident, forward_to=url)
        host.events.record("dispatch", resident.agent_id, target=url)
        host.client.ask(url, "@activate", Settle(arrival.operation_id), Nothing, timeout=request.timeout)
        return Born(resident.agent_id, url, resident.name, resident.class_name)

    def clone(self, target: str, request: CloneRequest) -> Born:
        """Copy a paglet: ``on_cloning`` here, ``on_clone`` and ``run()`` of the copy, ``on_cloned`` here."""
        host = self._host
        resident = host.residents.require(target)
        url = host.members.resolve(request.target) if request.target else host.address
        clone_id = new_agent_id()
        event = CloneEvent(resident.agent_id, host.name, clone_id, resident.agent_id, url)
        with host.lifecycle.turn_of(resident, request.timeout):
            host.residents.require(resident.agent_id)
            resident.paglet.on_cloning(event)
            arrival = self._snapshot(resident, "clone", clone_id, "")
            self._prepare(url, arrival, request.timeout)
            settle = Settle(arrival.operation_id)
            if url == host.address:
                self.activate("", settle)
            else:
                host.client.ask(url, "@activate", settle, Nothing, timeout=request.timeout)
            resident.paglet.on_cloned(event)
        host.events.record("clone", resident.agent_id, clone_id=clone_id, target=url)
        return Born(clone_id, url, "", resident.class_name)

    def _snapshot(self, resident: Resident, mode: str, agent_id: str, name: str) -> Arrival:
        with resident.paglet.locked():
            state = wire.dataclass_to_wire(resident.paglet.state)
        return Arrival(
            new_message_id(),
            mode,
            agent_id,
            resident.class_name,
            state,
            self._host.address,
            name,
            resident.agent_id if mode == "clone" else "",
        )

    def _prepare(self, url: str, arrival: Arrival, timeout: float) -> None:
        if url == self._host.address:
            self.prepare("", arrival)
            return
        try:
            self._host.client.ask(url, "@prepare", arrival, Nothing, timeout=timeout)
        except TimeoutError as error:
            self._give_up(url, arrival)
            raise TransferError(f"the target did not take the paglet: {error}") from error

    # ---- the side the paglet comes to

    def prepare(self, _target: str, arrival: Arrival) -> Nothing:
        """Take in a paglet that is on its way; requests for it wait until it is activated."""
        host = self._host
        with self._lock:
            if arrival.operation_id in self._prepared:
                return Nothing()
        cls = host.lifecycle.load(arrival.class_name)
        resident = host.lifecycle.build(cls, arrival.class_name, arrival.state, arrival.agent_id, arrival.name)
        host.residents.add(resident)
        with self._lock:
            self._prepared[arrival.operation_id] = (resident, arrival)
        return Nothing()

    def activate(self, _target: str, settle: Settle) -> Nothing:
        """The source has committed: the paglet lives here now."""
        with self._lock:
            found = self._prepared.pop(settle.operation_id, None)
        if found is None:
            raise TransferError(f"no paglet is on its way here under {settle.operation_id}")
        resident, arrival = found
        host, paglet = self._host, resident.paglet
        hook: Any
        event: Any
        if arrival.mode == "clone":
            event = CloneEvent(arrival.agent_id, host.name, arrival.agent_id, arrival.parent_id, host.address)
            hook = paglet.on_clone
        else:
            event = MobilityEvent(arrival.agent_id, host.name, arrival.source_url, host.address)
            hook = paglet.on_arrival
        host.events.record("arrival", arrival.agent_id, mode=arrival.mode, source=arrival.source_url)
        host.lifecycle.settle(resident, hook, event)
        return Nothing()

    def abandon(self, _target: str, settle: Settle) -> Nothing:
        """The source has given up: forget the paglet."""
        with self._lock:
            found = self._prepared.pop(settle.operation_id, None)
        if found is not None:
            self._host.lifecycle.withdraw(found[0])
        return Nothing()

    def _give_up(self, url: str, arrival: Arrival) -> None:
        """Tell a target to forget what it prepared, as far as it can be reached."""
        try:
            self._host.client.ask(url, "@abandon", Settle(arrival.operation_id), Nothing, timeout=2.0)
        except (PagletError, OSError) as error:
            self._host.events.record("failure", arrival.agent_id, step="abandon", error=str(error))
