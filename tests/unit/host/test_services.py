"""Services on real hosts of one process: offers, look-ups over the mesh, resident services, leases."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from paglets_nb.core.state import PagletState
from paglets_nb.errors import InvalidAgentError, LifecycleError, ServiceNotFoundError
from paglets_nb.host.host import Host
from paglets_nb.host.protocol import Nothing
from paglets_nb.host.service_protocol import ServiceAdvertisement, ServiceWithdrawal
from paglets_nb.host.services import HostServices
from paglets_nb.patterns.operations import OperationClient, OperationPaglet
from paglets_nb.services.contracts import EmptyPayload, ServiceContract, ServiceOperation, ServiceRecord, ServiceScope
from paglets_nb.services.resident import ResidentServiceSpec
from paglets_nb.services.user_info import USER_INFO
from paglets_nb.testing import in_process_mesh, wait_until

LOCAL, MESH = ServiceScope.LOCAL, ServiceScope.MESH


@dataclass(frozen=True)
class Where:
    """The name of a host."""

    host: str = ""


@dataclass(frozen=True)
class Found:
    """Hosts whose provider answered."""

    hosts: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Query:
    """How to look."""

    scope: str = "local"
    how: str = "lookup"


WHERE = ServiceOperation("where", EmptyPayload, Where)
WAIT = ServiceOperation("wait")
LOCATOR = ServiceContract("locator", (WHERE,), version="2")
OFFER = ServiceOperation("offer", Query, EmptyPayload)
WITHDRAW = ServiceOperation("withdraw")
LOOK = ServiceOperation("look", Query, Found)
LOOK_LATER = ServiceOperation("look-later", Query, Found)

entered = threading.Event()
go_on = threading.Event()


class Provider(OperationPaglet[PagletState]):
    """Says where it lives, once it offers to."""

    Operations = (WHERE, WAIT, OFFER, WITHDRAW)

    def operation_handlers(self) -> Mapping[ServiceOperation, Callable[[Any], Any]]:
        """Its operations."""
        return {
            WHERE: lambda _request: Where(self.context.name),
            WAIT: self.wait,
            OFFER: lambda request: self.advertise_contract(LOCATOR, request.scope, {"kept": True}) and None,
            WITHDRAW: lambda _request: self.withdraw_service(LOCATOR.name),
        }

    def wait(self, _request: EmptyPayload) -> EmptyPayload:
        """Stay busy until told to go on."""
        entered.set()
        go_on.wait(10)
        return EmptyPayload()


class Seeker(OperationPaglet[PagletState]):
    """Looks for providers as it is told."""

    Operations = (LOOK, LOOK_LATER)

    def operation_handlers(self) -> Mapping[ServiceOperation, Callable[[Any], Any]]:
        """Its operations."""
        return {LOOK: self.look, LOOK_LATER: self.look_later}

    def look(self, query: Query) -> Found:
        """Look, and call what is found."""
        if query.how == "all":
            handles = self.lookup_contracts(LOCATOR, query.scope)
        elif query.how == "require":
            handles = [self.require_contract(LOCATOR, query.scope)]
        elif query.how == "lease":
            with self.lease_contract(LOCATOR, query.scope) as lease:
                return Found([lease.call(WHERE).host])
        elif query.how == "records":
            return Found([record.proxy.agent_id for record in self.lookup_services("locator", query.scope)])
        else:
            handle = self.lookup_contract(LOCATOR, query.scope)
            handles = [] if handle is None else [handle]
        return Found([handle.call(WHERE).host for handle in handles])

    async def look_later(self, query: Query) -> Found:
        """Look without blocking the loop."""
        return Found([handle.proxy.host_url for handle in await self.lookup_contracts_async(LOCATOR, query.scope)])


def found(host: Host, scope: str = "local", how: str = "lookup") -> list[str]:
    """What a seeker on a host finds."""
    seeker = host.create(Seeker)
    reply: Found = OperationClient(seeker).call(LOOK, Query(scope, how), timeout=5.0)
    return reply.hosts


def provider(host: Host, scope: str = "local") -> Any:
    """A provider that offers the contract."""
    proxy = host.create(Provider)
    OperationClient(proxy).call(OFFER, Query(scope))
    return proxy


class Clock:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """The time now."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    """A clock that stands still."""
    return Clock()


@pytest.fixture
def pair() -> Iterator[list[Host]]:
    """Two hosts of one mesh."""
    with in_process_mesh() as hosts:
        yield hosts


class TestOffers:
    def test_a_contract_is_found_on_its_own_host(self, pair: list[Host]) -> None:
        """A LOCAL offer is found by paglets of its host, and called with types; other hosts do not see it."""
        alpha, beta = pair
        provider(alpha)
        assert found(alpha) == ["alpha"]
        assert found(alpha, "mesh") == ["alpha"]
        assert found(beta, "mesh") == []

    def test_a_contract_is_found_over_the_mesh(self, pair: list[Host]) -> None:
        """A MESH offer is found from every host, where the scope says so; the own host's comes first."""
        alpha, beta = pair
        provider(alpha, "mesh")
        assert found(beta) == []
        assert found(beta, "mesh") == ["alpha"]
        provider(beta, "mesh")
        assert found(beta, "mesh") == ["beta"]
        assert found(beta, "mesh", "all") == ["beta", "alpha"]

    def test_a_required_contract_that_nobody_offers(self, pair: list[Host]) -> None:
        """The error names the contract, its version and where it was looked for."""
        with pytest.raises(ServiceNotFoundError, match=r"nobody in the mesh provides 'locator' version 2"):
            found(pair[0], "mesh", "require")
        provider(pair[1], "mesh")
        assert found(pair[0], "mesh", "require") == ["beta"]

    def test_records_carry_version_operations_and_metadata(self, pair: list[Host]) -> None:
        """An offer's record tells what the contract says and what its provider added."""
        proxy = provider(pair[0], "mesh")
        (record,) = pair[1].services.lookup("locator", "mesh")
        assert record.proxy == proxy.ref
        assert (record.version, record.capabilities, record.scope) == ("2", ("where",), MESH)
        assert record.metadata == {"kept": True, "contract": {"name": "locator", "version": "2"}}
        assert LOCATOR.matches_record(record)
        assert pair[1].services.lookup("locator", "mesh", version="1") == []

    def test_an_offer_is_withdrawn_by_name(self, pair: list[Host]) -> None:
        """A provider takes its offer back and lives on."""
        proxy = provider(pair[0], "mesh")
        OperationClient(proxy).call(WITHDRAW)
        assert found(pair[1], "mesh") == []
        assert OperationClient(proxy).call(WHERE) == Where("alpha")

    def test_an_offer_ends_with_its_provider(self, pair: list[Host]) -> None:
        """A provider that is disposed, or moves away, is found no more."""
        alpha, beta = pair
        first, second = provider(alpha), provider(alpha)
        assert found(alpha, how="records") == [first.agent_id, second.agent_id]
        first.dispose()
        second.dispatch(beta.address)
        assert found(alpha) == []
        kinds = [(event.kind, event.agent_id) for event in alpha.list_events() if event.kind.startswith("service-")]
        assert kinds == [
            ("service-advertised", first.agent_id),
            ("service-advertised", second.agent_id),
            ("service-withdrawn", first.agent_id),
            ("service-withdrawn", second.agent_id),
        ]

    def test_a_host_can_be_asked_to_advertise_for_its_paglet(self, pair: list[Host]) -> None:
        """Whoever holds a proxy can have the host make an offer known, and take it back."""
        alpha, beta = pair
        proxy = alpha.create(Provider)
        offer = ServiceAdvertisement("plain", "7", ("where",), MESH, {"x": 1})
        record = beta.client.ask(alpha.address, "@service-advertise", offer, ServiceRecord, target=proxy.agent_id)
        assert beta.services.lookup("plain", "mesh") == [record]
        withdrawal = ServiceWithdrawal("plain")
        beta.client.ask(alpha.address, "@service-withdraw", withdrawal, Nothing, target=proxy.agent_id)
        assert beta.services.lookup("plain", "mesh") == []

    def test_a_stranger_cannot_advertise(self, pair: list[Host]) -> None:
        """Only paglets that live on the host offer anything there, in a scope that exists."""
        with pytest.raises(InvalidAgentError):
            pair[0].services.advertise("nobody", "plain")
        proxy = pair[0].create(Provider)
        with pytest.raises(ValueError, match="galaxy"):
            pair[0].services.advertise(proxy.agent_id, "plain", scope="galaxy")

    def test_async_handlers_await_the_twin(self, pair: list[Host]) -> None:
        """An async handler looks over the mesh without blocking the loop."""
        provider(pair[1], "mesh")
        seeker = pair[0].create(Seeker)
        reply: Found = OperationClient(seeker).call(LOOK_LATER, Query("mesh"), timeout=5.0)
        assert reply.hosts == [pair[1].address]

    def test_a_silent_host_costs_no_more_than_the_deadline(self, pair: list[Host]) -> None:
        """A look-up leaves out a host that does not answer, and returns what the others say."""
        alpha, beta = pair
        release = threading.Event()
        beta.requests._verbs["@service-lookup"] = (object, lambda _target, _query: release.wait(10))
        try:
            provider(alpha, "mesh")
            assert len(alpha.services.lookup("locator", "mesh", timeout=0.05)) == 1
            assert alpha.services.lookup("other", "mesh", timeout=0.05) == []
        finally:
            release.set()


def spec(**options: Any) -> ResidentServiceSpec:
    """The locator as a resident service."""
    return ResidentServiceSpec(LOCATOR, Provider, **options)


class TestResidentServices:
    def test_a_lazy_one_starts_when_it_is_looked_up(self, pair: list[Host]) -> None:
        """A lazy service has no paglet until somebody looks for it, and one from then on."""
        alpha = pair[0]
        alpha.services.residents.add(spec())
        assert alpha.services.residents.agent_ids() == set()
        assert found(alpha) == ["alpha"]
        running = alpha.services.residents.agent_ids()
        assert found(alpha) == ["alpha"]
        assert alpha.services.residents.agent_ids() == running
        assert len(running) == 1

    def test_an_eager_one_starts_with_its_host(self) -> None:
        """An eager service runs as soon as its host does, or at once on a host that runs."""
        host = Host("alpha")
        host.services.residents.add(spec(start=ResidentServiceSpec.EAGER))
        with host:
            assert len(host.services.residents.agent_ids()) == 1
            late = ServiceContract("late", (WHERE,))
            host.services.residents.add(ResidentServiceSpec(late, Provider, start=ResidentServiceSpec.EAGER))
            assert len(host.services.residents.agent_ids()) == 2

    def test_looking_from_elsewhere_starts_one(self, pair: list[Host]) -> None:
        """A service for the mesh that nobody has used yet is started by a look-up from another host."""
        alpha, beta = pair
        alpha.services.residents.add(spec(scope=MESH))
        assert found(beta, "mesh") == ["alpha"]

    def test_one_that_runs_is_preferred_to_starting_another(self) -> None:
        """A look-up starts nothing on a second host while one provides the service already."""
        with in_process_mesh(["alpha", "beta", "gamma"]) as (alpha, beta, gamma):
            for host in (alpha, beta):
                host.services.residents.add(spec(scope=MESH))
            assert found(gamma, "mesh") == ["alpha"]
            assert found(gamma, "mesh", "all") == ["alpha"]
            assert beta.services.residents.agent_ids() == set()

    def test_their_paglets_are_the_hosts_own(self, pair: list[Host]) -> None:
        """The paglet behind a service is in no listing of the paglets, and in no count."""
        alpha = pair[0]
        alpha.services.residents.add(spec())
        seeker = alpha.create(Seeker)
        OperationClient(seeker).call(LOOK, Query())
        assert [proxy.agent_id for proxy in alpha.get_proxies()] == [seeker.agent_id]
        assert [entry["agent_id"] for entry in alpha.list_agents()] == [seeker.agent_id]
        assert alpha.health()["paglets"] == 1

    def test_one_that_was_disposed_starts_again(self, pair: list[Host]) -> None:
        """A provider that has gone by itself is started anew by the next look-up."""
        alpha = pair[0]
        alpha.services.residents.add(spec())
        assert found(alpha) == ["alpha"]
        (first,) = alpha.services.residents.agent_ids()
        alpha.dispose(first)
        assert found(alpha) == ["alpha"]
        assert alpha.services.residents.agent_ids() != {first}

    def test_two_look_ups_at_once_start_one(self, pair: list[Host]) -> None:
        """However many look at the same time, one paglet is started."""
        alpha = pair[0]
        alpha.services.residents.add(spec())
        threads = [threading.Thread(target=alpha.services.lookup, args=("locator",)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(5)
        assert [event.kind for event in alpha.list_events()].count("service-started") == 1
        assert len(alpha.services.lookup("locator")) == 1

    def test_a_second_of_the_same_contract_is_refused(self, pair: list[Host]) -> None:
        """A host provides each version of a contract once; after removal it can be added again."""
        residents = pair[0].services.residents
        residents.add(spec())
        pair[0].services.lookup("locator")
        with pytest.raises(LifecycleError, match="provides 'locator' version 2 already"):
            residents.add(spec())
        residents.remove("locator", "2")
        assert residents.agent_ids() == set()
        assert pair[0].services.lookup("locator") == []
        residents.add(spec())

    def test_a_service_that_cannot_start_lets_the_host_start(self) -> None:
        """An eager service whose paglet fails is in the event log; the host runs."""
        host = Host("alpha")
        host.services.residents.add(spec(start=ResidentServiceSpec.EAGER, state=NotItsState()))
        with host:
            (failure,) = [event for event in host.list_events() if event.kind == "failure"]
            assert failure.details["service"] == "locator"
            assert "NotItsState" in failure.details["error"]

    def test_a_host_tells_what_tickets_may_require(self, pair: list[Host]) -> None:
        """Capabilities are what is advertised here and what would be started."""
        alpha, beta = pair
        assert alpha.capabilities() == {USER_INFO.name}
        provider(alpha)
        assert alpha.capabilities() == {USER_INFO.name, "locator"}
        beta.services.residents.add(spec())
        assert "locator" in beta.capabilities()


@dataclass
class NotItsState:
    """Not a paglet's state."""


class TestIdle:
    @pytest.fixture
    def alpha(self, clock: Clock) -> Iterator[Host]:
        """A host whose services live by the fake clock, with a locator that is ended when idle."""
        host = Host("alpha")
        host.services = HostServices(host, [spec(idle_timeout=30.0)], clock=clock)
        with host:
            yield host

    def expire(self, host: Host) -> set[str]:
        """End what is idle; what still runs."""
        host.services.residents.expire()
        return host.services.residents.agent_ids()

    def test_an_idle_one_is_ended(self, alpha: Host, clock: Clock) -> None:
        """A service nobody wants any more is disposed of, withdrawn and told of in the log."""
        (record,) = alpha.services.lookup("locator")
        clock.now += 29.0
        assert self.expire(alpha) == {record.proxy.agent_id}
        clock.now += 1.0
        assert self.expire(alpha) == set()
        assert alpha.residents.find(record.proxy.agent_id) is None
        assert alpha.services.registry.lookup("locator") == []
        assert [e.kind for e in alpha.list_events() if e.kind.startswith("service-")] == [
            "service-started",
            "service-advertised",
            "service-ended",
        ]

    def test_look_ups_and_messages_are_use(self, alpha: Host, clock: Clock) -> None:
        """The idle time begins anew with each look-up and each message."""
        handle = alpha.services.require_contract(LOCATOR)
        clock.now += 20.0
        alpha.services.lookup("locator")
        clock.now += 20.0
        handle.call(WHERE)
        clock.now += 20.0
        assert len(self.expire(alpha)) == 1
        clock.now += 10.0
        assert self.expire(alpha) == set()

    def test_a_leased_one_stays(self, alpha: Host, clock: Clock) -> None:
        """While a lease is held a service is not ended, however idle; its idle time begins with the lease's end."""
        lease = alpha.services.lease_contract(LOCATOR, duration=100.0)
        clock.now += 99.0
        assert len(self.expire(alpha)) == 1
        assert lease.call(WHERE) == Where("alpha")
        clock.now += 99.0
        assert len(self.expire(alpha)) == 1
        lease.release()
        clock.now += 29.0
        assert len(self.expire(alpha)) == 1
        clock.now += 1.0
        assert self.expire(alpha) == set()

    def test_a_lease_that_expired_holds_nothing(self, alpha: Host, clock: Clock) -> None:
        """A holder that fell silent lets go; its lease then says that the provider is gone."""
        lease = alpha.services.lease_contract(LOCATOR, duration=10.0)
        clock.now += 31.0
        assert self.expire(alpha) == set()
        with pytest.raises(ServiceNotFoundError):
            lease.call(WHERE)

    def test_a_busy_one_stays(self, alpha: Host, clock: Clock) -> None:
        """A service that still handles a message is not idle."""
        entered.clear()
        go_on.clear()
        (record,) = alpha.services.lookup("locator")
        proxy = alpha.get_proxy(record.proxy.agent_id)
        future = OperationClient(proxy).submit(WAIT)
        assert entered.wait(5)
        clock.now += 100.0
        assert len(self.expire(alpha)) == 1
        go_on.set()
        future.get_reply(5)

    def test_the_host_ends_it_by_itself(self) -> None:
        """On the real clock an idle service ends without anybody asking."""
        with in_process_mesh(["alpha"]) as (alpha,):
            alpha.services.residents.add(spec(idle_timeout=0.05))
            assert len(alpha.services.lookup("locator")) == 1
            wait_until(lambda: not alpha.services.residents.agent_ids(), what="the end of the idle service")
            assert len(alpha.services.lookup("locator")) == 1


class TestLeasesOverTheMesh:
    def test_a_paglet_leases_a_service_elsewhere(self, pair: list[Host]) -> None:
        """A lease on another host's service is kept there and released there."""
        alpha, beta = pair
        alpha.services.residents.add(spec(scope=MESH, idle_timeout=60.0))
        with beta.services.lease_contract(LOCATOR, "mesh", duration=5.0) as lease:
            (agent_id,) = alpha.services.residents.agent_ids()
            assert alpha.services.registry.leased_until(agent_id) is not None
            assert lease.call(WHERE) == Where("alpha")
            lease.renew()
        assert alpha.services.registry.leased_until(agent_id) is None
        assert found(beta, "mesh", "lease") == ["alpha"]

    def test_a_lease_whose_provider_has_gone(self, pair: list[Host]) -> None:
        """A lease on a provider that was disposed cannot be renewed, and nothing can be leased of nobody."""
        alpha, beta = pair
        proxy = provider(alpha, "mesh")
        lease = beta.services.lease_contract(LOCATOR, "mesh")
        proxy.dispose()
        with pytest.raises(ServiceNotFoundError):
            lease.renew()
        with pytest.raises(ServiceNotFoundError, match="nobody"):
            beta.services.lease_contract(LOCATOR, "mesh")
        with pytest.raises(ValueError, match="duration"):
            beta.services.lease_contract(LOCATOR, "mesh", duration=0.0)
        lease.release()


def test_a_transfer_that_fails_is_in_the_log(pair: list[Host], monkeypatch: pytest.MonkeyPatch) -> None:
    """A dispatch that the target refuses leaves the paglet, its offer and an event that says why."""
    alpha, beta = pair
    proxy = provider(alpha)

    def refuse(_target: str, _arrival: Any) -> None:
        raise LifecycleError("no room")

    monkeypatch.setitem(beta.requests._verbs, "@prepare", (dict, refuse))
    with pytest.raises(LifecycleError, match="no room"):
        proxy.dispatch(beta.address)
    (event,) = [event for event in alpha.list_events() if event.kind == "transfer-failed"]
    assert event.agent_id == proxy.agent_id
    assert event.details["target"] == beta.address
    assert "no room" in event.details["error"]
    assert found(alpha) == ["alpha"]
