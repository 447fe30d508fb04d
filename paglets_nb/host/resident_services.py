"""The services a host provides by itself: started when wanted, ended when nobody wants them.

Owns the paglets behind the ``ResidentServiceSpec``s of one host. What is advertised, and
who holds a lease, is the registry's to know.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from paglets_nb.core.values import new_agent_id
from paglets_nb.errors import InvalidAgentError, LifecycleError, PagletError
from paglets_nb.host.service_protocol import ServiceQuery
from paglets_nb.services.contracts import ServiceScope
from paglets_nb.services.registry import ServiceRegistry
from paglets_nb.services.resident import ResidentServiceSpec

if TYPE_CHECKING:
    from paglets_nb.host.host import Host

__all__ = ["ResidentServices"]

_SHORTEST_WAIT = 0.01


class _Service:
    """One resident service, running or not."""

    def __init__(self, spec: ResidentServiceSpec, clock: Callable[[], float]) -> None:
        self.spec = spec
        self.lock = threading.RLock()
        self.agent_id = ""
        self.starting = False
        self._clock = clock
        self._handling = 0
        self._used_at = clock()
        self._held_until = 0.0

    def fits(self, query: ServiceQuery, scope: ServiceScope) -> bool:
        """Whether it offers what is looked for."""
        contract = self.spec.contract
        return (
            contract.name == query.name
            and query.version in (None, contract.version)
            and set(query.capabilities) <= set(contract.capabilities)
            and (scope is ServiceScope.LOCAL or self.spec.scope is ServiceScope.MESH)
        )

    def use(self) -> None:
        """It is wanted now."""
        self._used_at = self._clock()

    def released(self, leased_until: float | None) -> None:
        """A lease was let go; another one may hold."""
        self.use()
        self._held_until = leased_until or 0.0

    def watch(self, paglet: Any) -> None:
        """Have the messages its paglet handles count as use."""
        handle = paglet.handle_message

        def handle_message(message: Any) -> Any:
            self._handling += 1
            try:
                return handle(message)
            finally:
                self._handling -= 1
                self.use()

        paglet.handle_message = handle_message

    def seconds_left(self, leased_until: float | None) -> float | None:
        """Seconds until it may be ended; None where it never is."""
        if not self.agent_id or self.spec.idle_timeout is None:
            return None
        if self._handling:
            self.use()
        if leased_until is not None:
            self._held_until = leased_until
        return max(self._used_at, self._held_until) + self.spec.idle_timeout - self._clock()


class ResidentServices:
    """Starts and ends the resident services of one host.

    Args:
        host: the host.
        registry: what the host's paglets advertise.
        advertise: makes a paglet's offer known.
        clock: seconds, never going back.
    """

    def __init__(
        self,
        host: Host,
        registry: ServiceRegistry,
        advertise: Callable[..., Any],
        clock: Callable[[], float],
    ) -> None:
        self._host = host
        self._registry = registry
        self._advertise = advertise
        self._clock = clock
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._watching = False
        self._running = False
        self._services: dict[tuple[str, str], _Service] = {}

    # ---- what there is

    def add(self, spec: ResidentServiceSpec) -> None:
        """Provide a service from now on; an eager one is started when the host is.

        Raises:
            LifecycleError: the host has one of this name and version already.
        """
        key = spec.contract.name, spec.contract.version
        with self._lock:
            if key in self._services:
                raise LifecycleError(f"{self._host.name} provides {key[0]!r} version {key[1]} already")
            service = self._services[key] = _Service(spec, self._clock)
            running = self._running
        if running and spec.start is spec.EAGER:
            self._start(service)

    def remove(self, name: str, version: str = "1") -> None:
        """Provide a service no more; its paglet is ended."""
        with self._lock:
            service = self._services.pop((name, version), None)
        if service is not None:
            self._end(service)

    def _all(self) -> list[_Service]:
        with self._lock:
            return list(self._services.values())

    def specs(self) -> list[ResidentServiceSpec]:
        """Every service, running or not."""
        return [service.spec for service in self._all()]

    def agent_ids(self) -> set[str]:
        """The ids of the paglets behind those that run."""
        return {service.agent_id for service in self._all() if service.agent_id}

    # ---- start

    def start(self) -> None:
        """The host has started: start the eager ones; one that cannot is tried again when it is looked up."""
        with self._lock:
            self._running = True
        for service in self._all():
            if service.spec.start is service.spec.EAGER:
                try:
                    self._start(service)
                except Exception as error:  # user code; the host has to start all the same
                    self._host.events.record("failure", "", service=service.spec.contract.name, error=repr(error))

    def stop(self) -> None:
        """The host is stopping; it ends the paglets itself."""
        with self._lock:
            self._running = False
        self._wake.set()

    def startable(self, query: ServiceQuery, scope: ServiceScope) -> bool:
        """Whether there is a service that fits, running or not."""
        return any(service.fits(query, scope) for service in self._all())

    def want(self, query: ServiceQuery, scope: ServiceScope, *, start: bool) -> None:
        """Somebody looks for a service: what fits and runs is in use; where ``start`` is set, it is started."""
        for service in self._all():
            if service.fits(query, scope):
                with service.lock:
                    service.use()
                if start:
                    self._start(service)

    def _start(self, service: _Service) -> None:
        from paglets_nb.host.host import create_request

        spec = service.spec
        with service.lock:
            if service.starting or self._host.residents.find(service.agent_id) is not None:
                return
            service.starting = True
            agent_id = service.agent_id = new_agent_id()
            try:
                self._host.lifecycle.create(replace(create_request(spec.paglet_class, spec.state), agent_id=agent_id))
                service.watch(self._host.residents.require(agent_id).paglet)
                service.use()
            except BaseException:
                service.agent_id = ""
                raise
            finally:
                service.starting = False
            contract = spec.contract
            self._host.events.record("service-started", agent_id, service=contract.name, version=contract.version)
            self._advertise(
                agent_id,
                contract.name,
                version=contract.version,
                capabilities=contract.capabilities,
                scope=spec.scope,
                metadata=contract.advertise_metadata(spec.metadata),
            )
        if spec.idle_timeout is not None:
            self._watch()

    # ---- end

    def released(self, agent_id: str) -> None:
        """A lease on a provider was let go: from now on it is idle."""
        for service in self._all():
            if service.agent_id == agent_id:
                service.released(self._registry.leased_until(agent_id))
                self._wake.set()

    def expire(self) -> float | None:
        """End what has been idle for too long.

        Returns:
            Seconds until this should be called again; None when there is nothing to wait for.
        """
        left: list[float] = []
        for service in self._all():
            with service.lock:
                seconds = service.seconds_left(self._registry.leased_until(service.agent_id))
                if seconds is None:
                    continue
                if seconds > 0:
                    left.append(seconds)
                    continue
                agent_id, service.agent_id = service.agent_id, ""
                self._registry.withdraw(agent_id)
            self._dispose(service, agent_id, "idle")
        return min(left, default=None)

    def _end(self, service: _Service) -> None:
        with service.lock:
            agent_id, service.agent_id = service.agent_id, ""
            self._registry.withdraw(agent_id)
        if agent_id:
            self._dispose(service, agent_id, "removed")

    def _dispose(self, service: _Service, agent_id: str, reason: str) -> None:
        name = service.spec.contract.name
        try:
            self._host.lifecycle.dispose(agent_id)
        except InvalidAgentError:
            return  # it has gone by itself
        except PagletError as error:
            self._host.events.record("failure", agent_id, service=name, error=repr(error))
            return
        self._host.events.record("service-ended", agent_id, service=name, reason=reason)

    def _watch(self) -> None:
        """Have a worker end what is idle, as long as something runs that can be."""
        with self._lock:
            if self._watching or not self._running:
                return
            self._watching = True
        self._host.workers.submit(self._watch_idle)

    def _watch_idle(self) -> None:
        while True:
            self._wake.clear()
            seconds = self.expire()
            with self._lock:
                idle = not any(service.agent_id and service.spec.idle_timeout for service in self._services.values())
                if idle or not self._running:
                    self._watching = False
                    return
            self._wake.wait(_SHORTEST_WAIT if seconds is None else max(seconds, _SHORTEST_WAIT))
