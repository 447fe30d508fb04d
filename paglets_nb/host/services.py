"""A host's side of services: its paglets' offers, look-ups over the mesh, leases."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from paglets_nb.core.messages import FutureReply, Message
from paglets_nb.core.ports import CallOptions
from paglets_nb.core.proxy import PagletProxy
from paglets_nb.core.references import PagletProxyRef
from paglets_nb.errors import LifecycleError, PagletError, ServiceNotFoundError
from paglets_nb.host.loop import loop_thread
from paglets_nb.host.protocol import Nothing
from paglets_nb.host.resident_services import ResidentServices
from paglets_nb.host.service_protocol import (
    LeaseGranted,
    LeaseRelease,
    LeaseRenewal,
    LeaseRequest,
    ServiceAdvertisement,
    ServiceQuery,
    ServicesFound,
    ServiceWithdrawal,
)
from paglets_nb.services.contracts import ServiceContract, ServiceHandle, ServiceRecord, ServiceScope
from paglets_nb.services.registry import ServiceRegistry
from paglets_nb.services.resident import ResidentServiceSpec, ServiceLease

if TYPE_CHECKING:
    from paglets_nb.host.host import Host

__all__ = ["HostServices"]

LOCAL, MESH = ServiceScope.LOCAL, ServiceScope.MESH
LOOKUP_TIMEOUT = 2.0
LEASE_SECONDS = 30.0
_LEASE_TIMEOUT = 5.0
_LOOKUP, _LEASE, _RENEW, _RELEASE = "@service-lookup", "@service-lease", "@service-renew", "@service-release"


class HostServices:
    """The services of one host.

    Args:
        host: the host.
        specs: what it provides by itself.
        clock: seconds, never going back.

    Attributes:
        registry: what its paglets advertise.
        residents: what it provides by itself.
    """

    def __init__(
        self, host: Host, specs: Iterable[ResidentServiceSpec] = (), *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._host = host
        self._clock = clock
        self.registry = ServiceRegistry(clock)
        self.residents = ResidentServices(host, self.registry, self.advertise, clock)
        for spec in specs:
            self.residents.add(spec)

    def verbs(self) -> dict[str, tuple[type, Callable[[str, Any], Any]]]:
        """The host's verbs about services."""
        return {
            _LOOKUP: (ServiceQuery, lambda _target, query: self._answer(query)),
            "@service-advertise": (ServiceAdvertisement, self._advertise_for),
            "@service-withdraw": (ServiceWithdrawal, self._withdraw_for),
            _LEASE: (LeaseRequest, lambda _target, request: self._grant(request)),
            _RENEW: (LeaseRenewal, lambda _target, request: self._renew(request)),
            _RELEASE: (LeaseRelease, lambda _target, request: self._release(request)),
        }

    def start(self) -> None:
        """The host has started."""
        self.residents.start()

    def stop(self) -> None:
        """The host is stopping."""
        self.residents.stop()

    # ---- offers

    def advertise(
        self,
        agent_id: str,
        name: str,
        *,
        version: str = "",
        capabilities: Collection[str] = (),
        scope: ServiceScope | str = LOCAL,
        metadata: Mapping[str, Any] | None = None,
    ) -> ServiceRecord:
        """Make known what a paglet of this host offers.

        Raises:
            InvalidAgentError: it is not here.
            ValueError: no such scope.
        """
        resident = self._host.residents.require(agent_id)
        record = ServiceRecord(
            name,
            PagletProxyRef(self._host.address, resident.agent_id),
            version,
            tuple(capabilities),
            ServiceScope(scope),
            dict(metadata or {}),
        )
        self.registry.advertise(record)
        self._host.events.record(
            "service-advertised", resident.agent_id, service=name, version=version, scope=record.scope.value
        )
        return record

    def withdraw(self, agent_id: str, name: str | None = None) -> None:
        """Take back what a paglet offers: one service, or, as when it leaves, all of them."""
        for record in self.registry.withdraw(agent_id, name):
            self._host.events.record("service-withdrawn", agent_id, service=record.name, version=record.version)

    def _advertise_for(self, target: str, offer: ServiceAdvertisement) -> ServiceRecord:
        return self.advertise(
            target,
            offer.name,
            version=offer.version,
            capabilities=offer.capabilities,
            scope=offer.scope,
            metadata=offer.metadata,
        )

    def _withdraw_for(self, target: str, request: ServiceWithdrawal) -> Nothing:
        self.withdraw(self._host.residents.require(target).agent_id, request.name)
        return Nothing()

    def capabilities(self) -> set[str]:
        """The names of the services this host has or would start; what a ticket may require."""
        advertised = {record.name for record in self._present(ServiceQuery(""), LOCAL, any_name=True)}
        return advertised | {spec.contract.name for spec in self.residents.specs()}

    # ---- look-up

    def lookup(
        self,
        name: str,
        scope: ServiceScope | str = LOCAL,
        *,
        version: str | None = None,
        capabilities: Collection[str] = (),
        timeout: float = LOOKUP_TIMEOUT,
        first: bool = False,
    ) -> list[ServiceRecord]:
        """Who offers a service, this host's first; a resident service is started where there is nobody.

        Args:
            name: of the service.
            scope: LOCAL asks nobody else.
            version: exactly this one; None for any.
            capabilities: operations that must all be offered.
            timeout: seconds for the other hosts; one that is silent is left out.
            first: one is enough, so that nobody else is asked when it is here.
        """
        query = ServiceQuery(name, version, tuple(capabilities))
        found = self._here(replace(query, start=True), LOCAL)
        if ServiceScope(scope) is LOCAL or (found and first):
            return found
        deadline = time.monotonic() + timeout
        startable: list[str] = []
        for url, reply in self._ask_others(query, deadline):
            found.extend(reply.records)
            if reply.startable:
                startable.append(url)
        for url in [] if found else startable:
            remaining = max(deadline - time.monotonic(), 0.1)
            try:
                found = self._host.client.ask(
                    url, _LOOKUP, replace(query, start=True), ServicesFound, timeout=remaining
                ).records
            except (PagletError, OSError):
                continue
            if found:
                break
        return found

    def _ask_others(self, query: ServiceQuery, deadline: float) -> list[tuple[str, ServicesFound]]:
        host = self._host
        others = [member.url for member in host.members.hosts() if member.url != host.address]
        if others and loop_thread.inside():
            raise LifecycleError(f"looking for {query.name!r} in the mesh would block the event loop; await the twin")
        options = CallOptions(max(deadline - time.monotonic(), 0.0), ServicesFound)
        asked: list[tuple[str, FutureReply]] = [
            (url, host.client.submit(PagletProxy(url, "", host.client), Message(_LOOKUP, query, priority=0), options))
            for url in others
        ]
        answered: list[tuple[str, ServicesFound]] = []
        for url, future in asked:
            try:
                answered.append((url, future.get_reply(max(deadline - time.monotonic(), 0.0))))
            except (PagletError, OSError):
                continue  # silent, or gone: the others' answers count
        return answered

    def _present(self, query: ServiceQuery, scope: ServiceScope, *, any_name: bool = False) -> list[ServiceRecord]:
        residents = self._host.residents
        for agent_id in self.registry.providers():
            if residents.find(agent_id) is None:
                self.withdraw(agent_id)
        name = None if any_name else query.name
        return self.registry.lookup(name, version=query.version, capabilities=query.capabilities, scope=scope)

    def _here(self, query: ServiceQuery, scope: ServiceScope) -> list[ServiceRecord]:
        found = self._present(query, scope)
        self.residents.want(query, scope, start=query.start and not found)
        return found or self._present(query, scope)

    def _answer(self, query: ServiceQuery) -> ServicesFound:
        return ServicesFound(self._here(query, MESH), self.residents.startable(query, MESH))

    # ---- contracts

    def _handle(self, contract: ServiceContract, record: ServiceRecord) -> ServiceHandle:
        proxy = PagletProxy(record.proxy.host_url, record.proxy.agent_id, self._host.client)
        return ServiceHandle(contract, proxy)

    def lookup_contracts(
        self,
        contract: ServiceContract,
        scope: ServiceScope | str = LOCAL,
        *,
        timeout: float = LOOKUP_TIMEOUT,
        first: bool = False,
    ) -> list[ServiceHandle]:
        """The contract bound to each of its providers; see ``lookup``."""
        records = self.lookup(
            contract.name,
            scope,
            version=contract.version,
            capabilities=contract.capabilities,
            timeout=timeout,
            first=first,
        )
        return [self._handle(contract, record) for record in records]

    def lookup_contract(
        self, contract: ServiceContract, scope: ServiceScope | str = LOCAL, *, timeout: float = LOOKUP_TIMEOUT
    ) -> ServiceHandle | None:
        """The contract bound to one of its providers, one here if there is one; None when there is none."""
        return next(iter(self.lookup_contracts(contract, scope, timeout=timeout, first=True)), None)

    def require_contract(
        self, contract: ServiceContract, scope: ServiceScope | str = LOCAL, *, timeout: float = LOOKUP_TIMEOUT
    ) -> ServiceHandle:
        """The same; ServiceNotFoundError when there is none."""
        handle = self.lookup_contract(contract, scope, timeout=timeout)
        if handle is None:
            where = "in the mesh" if ServiceScope(scope) is MESH else f"on {self._host.name}"
            raise ServiceNotFoundError(f"nobody {where} provides {contract.name!r} version {contract.version}")
        return handle

    # ---- leases

    def lease_contract(
        self,
        contract: ServiceContract,
        scope: ServiceScope | str = LOCAL,
        *,
        timeout: float = LOOKUP_TIMEOUT,
        duration: float = LEASE_SECONDS,
    ) -> ServiceLease:
        """A provider that is kept while the lease is held; ServiceNotFoundError when there is none."""
        if duration <= 0:
            raise ValueError(f"a lease's duration must be above 0, not {duration}")
        try:
            return self._lease(self.require_contract(contract, scope, timeout=timeout), duration)
        except (ServiceNotFoundError, ConnectionError):  # it ended between look-up and lease
            return self._lease(self.require_contract(contract, scope, timeout=timeout), duration)

    def _lease(self, handle: ServiceHandle, duration: float) -> ServiceLease:
        url = handle.proxy.host_url
        granted = self._ask(url, _LEASE, LeaseRequest(handle.proxy.agent_id, duration), LeaseGranted)

        def renew(lease_id: str, seconds: float) -> None:
            self._ask(url, _RENEW, LeaseRenewal(lease_id, seconds), LeaseGranted)

        def release(lease_id: str) -> None:
            try:
                self._ask(url, _RELEASE, LeaseRelease(lease_id), Nothing)
            except (PagletError, OSError) as error:  # it expires by itself
                self._host.events.record("failure", "", step="lease release", error=str(error))

        return ServiceLease(handle, granted.lease_id, duration, renew=renew, release=release, clock=self._clock)

    def _ask(self, url: str, verb: str, request: Any, reply_type: type[Any]) -> Any:
        if url == self._host.address:
            return self.verbs()[verb][1]("", request)
        return self._host.client.ask(url, verb, request, reply_type, timeout=_LEASE_TIMEOUT)

    def _grant(self, request: LeaseRequest) -> LeaseGranted:
        return LeaseGranted(self.registry.lease(request.agent_id, request.duration).lease_id)

    def _renew(self, request: LeaseRenewal) -> LeaseGranted:
        return LeaseGranted(self.registry.renew(request.lease_id, request.duration).lease_id)

    def _release(self, request: LeaseRelease) -> Nothing:
        lease = self.registry.release(request.lease_id)
        if lease is not None:
            self.residents.released(lease.agent_id)
        return Nothing()
