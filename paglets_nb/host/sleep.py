"""Sleep: paglets that are deactivated, and what wakes them.

A sleeping paglet is a row of the store. A message, a time, the host's start or a request
wakes it; messages that do not wake it wait in the store.
"""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future
from typing import TYPE_CHECKING

from paglets_nb.codec import wire
from paglets_nb.core.events import PersistencyEvent
from paglets_nb.core.policy import DeactivationPolicy, DeactivationRequest
from paglets_nb.errors import InvalidAgentError, LifecycleError, PagletCrashedError, PagletInactiveError
from paglets_nb.host.protocol import Born, DeactivateRequest, Nothing
from paglets_nb.host.records import INACTIVE, QUARANTINED, StoredMessage, StoredPaglet
from paglets_nb.host.residents import Resident

if TYPE_CHECKING:
    from paglets_nb.host.host import Host

__all__ = ["Sleep"]

_WAKE_TIMEOUT = 60.0
_COMMIT_TIMEOUT = 30.0


class Sleep:
    """The sleeping paglets of one host."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._lock = threading.RLock()
        self._sleeping: dict[str, StoredPaglet] = {}
        self._names: dict[str, str] = {}
        self._reasons: dict[str, str] = {}

    # ---- the table

    def add(self, stored: StoredPaglet) -> None:
        """A paglet sleeps now; it wakes by itself where its policy says when."""
        with self._lock:
            self._sleeping[stored.agent_id] = stored
            if stored.name:
                self._names[stored.name] = stored.agent_id
        at = self.policy_of(stored).activate_at
        if at is not None:
            self._host.clock.call_at(at, self._wake_quietly, stored.agent_id)

    def _remove(self, stored: StoredPaglet) -> None:
        self._sleeping.pop(stored.agent_id, None)
        self._names.pop(stored.name, None)
        self._reasons.pop(stored.agent_id, None)

    def lookup(self, key: str) -> StoredPaglet | None:
        """A sleeping paglet by id or name."""
        if not self._sleeping:
            return None
        with self._lock:
            return self._sleeping.get(key) or self._sleeping.get(self._names.get(key, ""))

    def all(self) -> list[StoredPaglet]:
        """Every sleeping paglet."""
        with self._lock:
            return list(self._sleeping.values())

    def count(self) -> int:
        """How many sleep."""
        return len(self._sleeping)

    @staticmethod
    def policy_of(stored: StoredPaglet) -> DeactivationPolicy:
        """The terms on which a paglet sleeps."""
        policy: DeactivationPolicy = wire.convert(stored.policy or {}, DeactivationPolicy)
        return policy

    # ---- deactivate

    def deactivate(self, target: str, request: DeactivateRequest) -> Nothing:
        """Put a paglet to sleep: ``on_deactivating``, clean-up, then one commit."""
        host = self._host
        if (asleep := self.lookup(target)) is not None:
            raise PagletInactiveError(f"paglet {asleep.name or asleep.agent_id} is deactivated already")
        resident = host.residents.require(target)
        with host.lifecycle.turn_of(resident, request.timeout, "put to sleep"):
            host.residents.require(resident.agent_id)
            paglet = resident.paglet
            policy = paglet.deactivation_policy(DeactivationRequest(request.reason, request.policy))
            paglet.on_deactivating(PersistencyEvent(resident.agent_id, host.name, request.reason))
            paglet._clean_up()
            stored = host.durability.stored(resident, INACTIVE, policy=wire.dataclass_to_wire(policy))
            host.durability.records.save(stored)
            self.add(stored)
            self._reasons[stored.agent_id] = request.reason
            host.lifecycle.withdraw(resident)
        host.events.record("deactivate", resident.agent_id, reason=request.reason)
        return Nothing()

    # ---- activate

    def activate(self, target: str) -> Born:
        """Wake a paglet and return when it is awake; harmless for one that is."""
        host = self._host
        stored = self.lookup(target)
        if stored is None:
            resident = host.residents.require(target)
        else:
            resident, awake = self.wake(stored)
            awake.result(_WAKE_TIMEOUT)
        return Born(resident.agent_id, host.address, resident.name, resident.class_name)

    def require_awake(self, target: str) -> Resident:
        """A paglet of this host, woken where it sleeps; InvalidAgentError when it is not here."""
        resident = self._host.residents.find(target)
        if resident is not None:
            return resident
        if self.lookup(target) is not None:
            self.activate(target)
        return self._host.residents.require(target)

    def _wake_quietly(self, agent_id: str) -> None:
        stored = self.lookup(agent_id)
        if stored is None:
            return
        try:
            self.wake(stored)
        except Exception as error:  # nobody waits for a timed wake: the log is where it shows
            self._host.events.record("failure", agent_id, step="activate", error=repr(error))

    def wake(self, stored: StoredPaglet, reason: str = "activated") -> tuple[Resident, Future[None]]:
        """Begin to wake a paglet: it is in the table at once, its messages wait for its hook.

        Returns:
            The paglet, and what settles when it is awake.

        Raises:
            PagletCrashedError: it is quarantined.
            SerializationError: its class or state does not load.
        """
        host = self._host
        with self._lock:
            if stored.status == QUARANTINED:
                raise PagletCrashedError(f"{stored.called} crashed its host too often; dispose it or mend its class")
            awake: Future[None] = Future()
            if self._sleeping.get(stored.agent_id) is not stored:
                awake.set_result(None)
                return host.residents.require(stored.agent_id), awake
            cls = host.lifecycle.load(stored.class_name)
            resident = host.lifecycle.build(cls, stored.class_name, stored.state, stored.agent_id, stored.name)
            resident.epoch = stored.epoch
            host.durability.restore_applied(resident)
            for message in host.durability.records.queued(stored.agent_id):  # before any that comes from now on
                host.requests.post_stored(resident, message)
            host.residents.add(resident)
            self._remove(stored)
        host.workers.submit(self._finish, resident, stored, reason, awake)
        return resident, awake

    def _finish(self, resident: Resident, stored: StoredPaglet, reason: str, awake: Future[None]) -> None:
        host = self._host
        event = PersistencyEvent(stored.agent_id, host.name, reason)
        try:
            host.lifecycle.settle(resident, resident.paglet.on_activation, event)
            if resident.durability == "memory":
                host.durability.records.wake(stored.agent_id)
            host.events.record("activate", stored.agent_id, reason=reason)
            awake.set_result(None)
        except BaseException as error:  # told to whoever waits, and in the log
            host.events.record("failure", stored.agent_id, step="activate", error=repr(error))
            awake.set_exception(error if isinstance(error, Exception) else LifecycleError(repr(error)))

    # ---- messages to sleepers

    def refuse_or_queue(self, stored: StoredPaglet, *, no_delay: bool, stay_inactive: bool) -> bool:
        """Whether a message may not wake the paglet and waits in the store; False when it wakes it.

        Raises:
            PagletInactiveError: it may neither wake it nor wait.
            PagletCrashedError: the paglet is quarantined.
        """
        if stored.status == QUARANTINED:
            raise PagletCrashedError(f"{stored.called} crashed its host too often; dispose it or mend its class")
        policy = self.policy_of(stored)
        if no_delay:
            raise PagletInactiveError(f"paglet {stored.called} is deactivated, and the message may not wait")
        if policy.activate_on_message and not stay_inactive:
            return False
        if policy.queue_messages_when_inactive:
            return True
        reason = self._reasons.get(stored.agent_id, "")
        told = f"deactivated ({reason})" if reason else "deactivated"
        raise PagletInactiveError(
            f"paglet {stored.called} is {told} and takes no messages: %paglet activate "
            f"{stored.name or stored.agent_id} wakes it, as does its proxy's activate()"
        )

    def keep_message(self, stored: StoredPaglet, message: StoredMessage) -> bool:
        """Keep a message until the paglet wakes; False where it is awake by now."""
        with self._lock:
            if self._sleeping.get(stored.agent_id) is not stored:
                return False
            kept = self._host.durability.records.queue(message)  # in the store's queue before the waking looks there
        kept.result(_COMMIT_TIMEOUT)
        return True

    def dispose(self, stored: StoredPaglet) -> None:
        """End a paglet in its sleep."""
        with self._lock:
            if self._sleeping.get(stored.agent_id) is not stored:
                raise InvalidAgentError(stored.agent_id, self._host.name)
            self._remove(stored)
        self._host.durability.records.forget(stored.agent_id)
        self._host.files.clear(stored.agent_id)

    def wake_on_start(self) -> None:
        """The host has started: wake those whose policy says so."""
        now = time.time()
        for stored in self.all():
            policy = self.policy_of(stored)
            if policy.activate_on_startup or (policy.activate_at is not None and policy.activate_at <= now):
                self._wake_quietly(stored.agent_id)
