"""Departures: a paglet leaves this host for another, or a copy of it does.

The source prepares the target, then commits by itself in one step (from there on the
paglet lives over there and requests are forwarded), then has the target activate it.
Until the commit any failure leaves the paglet where it was; after it the target has the
paglet, and if the two lose sight of each other they settle when they meet again.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from paglets_nb.codec import wire
from paglets_nb.core.events import CloneEvent, MobilityEvent
from paglets_nb.core.values import new_agent_id, new_message_id
from paglets_nb.errors import HostDiedError, TransferError
from paglets_nb.host.failpoints import failpoint
from paglets_nb.host.file_transfer import transfer_seconds
from paglets_nb.host.protocol import (
    Arrival,
    Born,
    CloneRequest,
    DispatchRequest,
    Nothing,
    Outcome,
    OutcomeRequest,
    RetractRequest,
    Settle,
)

if TYPE_CHECKING:
    from paglets_nb.host.host import Host
    from paglets_nb.host.residents import Resident

__all__ = ["Movement"]

_MOVED_APPLIED = 2000


class Movement:
    """Sends the paglets of one host to others.

    Attributes:
        boot: which run of the host this is.
    """

    def __init__(self, host: Host) -> None:
        self._host = host
        self.boot = secrets.token_hex(8)
        # each is changed in one step, and a movement is committed before it is no longer under way
        self._under_way: set[str] = set()
        self._committed: dict[str, tuple[str, str]] = {}

    # ---- dispatch and retract

    def dispatch(self, target: str, request: DispatchRequest) -> Born:
        """Move a paglet: ``on_dispatching`` here, ``on_arrival`` and ``run()`` over there."""
        for attempt in range(request.retries + 1):
            try:
                return self._dispatch_once(target, request)
            except (TransferError, HostDiedError, TimeoutError):
                if attempt == request.retries or self._host.residents.lookup(target) is None:
                    raise
                time.sleep(request.retry_interval)
        raise TransferError(f"dispatch of {target} was not tried")

    def _dispatch_once(self, target: str, request: DispatchRequest) -> Born:
        host = self._host
        resident = host.sleep.require_awake(target)
        url = host.members.resolve(request.target)
        if url == host.address:
            return Born(resident.agent_id, url, resident.name, resident.class_name)
        with host.lifecycle.turn_of(resident, request.timeout, "moved"):
            host.residents.require(resident.agent_id)
            event = MobilityEvent(resident.agent_id, host.name, host.address, url)
            paglet = resident.paglet
            (paglet.on_reverting if request.retracted else paglet.on_dispatching)(event)
            failpoint("source.hook_done")
            paglet._clean_up()
            arrival = self._snapshot(resident, request)
            self._carry_over(url, arrival, request.timeout, partial(self._commit_departure, resident, url, arrival))
        host.events.record(arrival.mode, resident.agent_id, target=url, operation_id=arrival.operation_id)
        failpoint("source.committed")
        self._activate(url, arrival, request.timeout)
        return Born(resident.agent_id, url, resident.name, resident.class_name)

    def _commit_departure(self, resident: Resident, url: str, arrival: Arrival) -> None:
        host = self._host
        operation_id = arrival.operation_id
        if resident.durability != "memory":
            host.files.leaving(operation_id, resident.agent_id, arrival.files, durable=True)
            host.durability.records.commit_departure(resident.agent_id, resident.name, arrival.epoch, url, operation_id)
        self._committed[operation_id] = (resident.agent_id, url)
        host.lifecycle.withdraw(resident, forward_to=url)
        for reason in host.files.left(resident.agent_id, arrival.files, operation_id):
            host.events.record("failure", resident.agent_id, step="delete moved file", error=reason)
        if resident.durability == "message":
            host.workers.submit(host.settlement.forward, resident.agent_id, url)

    def retract(self, _target: str, request: RetractRequest) -> Born:
        """Call a paglet that lives on another host to this one."""
        asked = DispatchRequest(self._host.address, request.timeout, retracted=True)
        url = request.host_url
        limit = request.timeout + 1
        return self._host.client.ask(url, "@dispatch", asked, Born, timeout=limit, target=request.agent_id)

    # ---- clone

    def clone(self, target: str, request: CloneRequest) -> Born:
        """Copy a paglet: ``on_cloning`` here, ``on_clone`` and ``run()`` of the copy, ``on_cloned`` here."""
        host = self._host
        resident = host.sleep.require_awake(target)
        url = host.members.resolve(request.target) if request.target else host.address
        clone_id = new_agent_id()
        event = CloneEvent(resident.agent_id, host.name, clone_id, resident.agent_id, url)
        with host.lifecycle.turn_of(resident, request.timeout, "cloned"):
            host.residents.require(resident.agent_id)
            resident.paglet.on_cloning(event)
            failpoint("source.hook_done")
            arrival = self._snapshot(resident, None, clone_id)
            self._carry_over(url, arrival, request.timeout, partial(self._commit_clone, resident, url, arrival))
            failpoint("source.committed")
            self._activate(url, arrival, request.timeout)
            resident.paglet.on_cloned(event)
            host.durability.keep(resident)
        host.events.record("clone", resident.agent_id, clone_id=clone_id, target=url)
        return Born(clone_id, url, "", resident.class_name)

    def _commit_clone(self, resident: Resident, url: str, arrival: Arrival) -> None:
        if resident.durability != "memory":
            self._host.durability.records.commit_clone(arrival.operation_id, arrival.agent_id, url)
        self._committed[arrival.operation_id] = (arrival.agent_id, url)

    # ---- the steps

    def _snapshot(self, resident: Resident, request: DispatchRequest | None, clone_id: str = "") -> Arrival:
        with resident.paglet._lock:
            state = wire.dataclass_to_wire(resident.paglet.state)
        arrival = Arrival(
            new_message_id(),
            "clone",
            clone_id,
            resident.class_name,
            state,
            self._host.address,
            source_boot=self.boot,
            files=self._host.files.manifest(resident.agent_id, "clone" if request is None else "dispatch"),
        )
        if request is None:
            arrival.parent_id = resident.agent_id
            return arrival
        arrival.mode = "retract" if request.retracted else "dispatch"
        arrival.agent_id = resident.agent_id
        arrival.name = resident.name
        arrival.epoch = resident.epoch + 1
        arrival.inactive = request.inactive
        arrival.required_capabilities = request.required_capabilities
        arrival.expected_code_version = request.expected_code_version
        if resident.applied:
            arrival.applied = list(resident.applied.items())[-_MOVED_APPLIED:]
        return arrival

    def _carry_over(self, url: str, arrival: Arrival, timeout: float, commit: Callable[[], None]) -> None:
        """Prepare the target, then commit; where either fails the target is told to forget."""
        operation_id = arrival.operation_id
        self._under_way.add(operation_id)
        committed = late = False
        try:
            failpoint("source.before_prepare")
            if arrival.files:
                self._prepare_with_files(url, arrival, timeout)
            else:
                self._prepare(url, arrival, timeout)
            failpoint("source.prepared")
            commit()
            committed = True
        except BaseException as error:
            late = isinstance(error.__cause__, TimeoutError)
            agent_id = arrival.parent_id or arrival.agent_id
            self._host.events.record("transfer-failed", agent_id, mode=arrival.mode, target=url, error=repr(error))
            raise
        finally:
            self._under_way.discard(operation_id)
            if not committed:
                self._host.settlement.give_up(url, arrival, late=late)
                self._host.files.stayed(operation_id)

    def _prepare_with_files(self, url: str, arrival: Arrival, timeout: float) -> None:
        owner = arrival.parent_id or arrival.agent_id
        with self._host.file_source.offered(arrival.operation_id, arrival.files, owner):
            self._prepare(url, arrival, timeout + transfer_seconds(arrival.files))

    def _prepare(self, url: str, arrival: Arrival, timeout: float) -> None:
        if url == self._host.address:
            self._host.arrivals.prepare("", arrival)
            return
        try:
            self._host.client.ask(url, "@prepare", arrival, Nothing, timeout=timeout)
        except TimeoutError as error:
            raise TransferError(f"the target did not take the paglet: {error}") from error

    def _activate(self, url: str, arrival: Arrival, timeout: float) -> None:
        """Have the target activate; one that cannot be reached is told when it can."""
        settle = Settle(arrival.operation_id)
        try:
            if url == self._host.address:
                self._host.arrivals.activate("", settle)
            else:
                self._host.client.ask(url, "@activate", settle, Nothing, timeout=timeout)
        except (HostDiedError, TimeoutError) as error:
            self._host.events.record("failure", arrival.agent_id, step="activate", error=str(error))
            self._host.settlement.tell_later(url, arrival.operation_id)
            return
        except BaseException:  # the hook over there failed; the paglet is there all the same
            self.told(arrival.operation_id)
            raise
        failpoint("source.told")
        self.told(arrival.operation_id)

    # ---- what others ask about movements this host began

    def outcome(self, _target: str, request: OutcomeRequest) -> Outcome:
        """How a movement ended: a movement that is neither under way nor committed never will be."""
        operation_id = request.operation_id
        if operation_id in self._under_way and operation_id not in self._committed:
            return Outcome("pending", self.boot)
        committed = operation_id in self._committed
        if not committed and self._host.durability.exists:
            committed = self._host.durability.records.outcome(operation_id)
        return Outcome("commit" if committed else "abort", self.boot)

    def told(self, operation_id: str) -> None:
        """The target has taken over."""
        self._committed.pop(operation_id, None)
        if self._host.durability.exists:  # an outcome of an earlier run is only there
            self._host.durability.records.settled(operation_id)
