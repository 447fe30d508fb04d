"""The books of one host's services."""

from __future__ import annotations

import pytest

from paglets_nb.core.references import PagletProxyRef
from paglets_nb.errors import ServiceNotFoundError
from paglets_nb.services.contracts import ServiceRecord, ServiceScope
from paglets_nb.services.registry import ServiceRegistry


class FakeClock:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        """The time now."""
        return self.now


@pytest.fixture
def clock() -> FakeClock:
    """A clock that stands still."""
    return FakeClock()


@pytest.fixture
def registry(clock: FakeClock) -> ServiceRegistry:
    """An empty registry."""
    return ServiceRegistry(clock)


def record(agent_id: str = "p1", name: str = "store", version: str = "1", **options: object) -> ServiceRecord:
    """A record of one provider."""
    return ServiceRecord(name, PagletProxyRef("unix:///h", agent_id), version, **options)  # type: ignore[arg-type]


class TestRecords:
    def test_lookup_by_name_version_and_capabilities(self, registry: ServiceRegistry) -> None:
        """Only records that fit in every respect are found, oldest first."""
        old = record("p1", capabilities=("get",))
        new = record("p2", version="2", capabilities=("get", "put"))
        for entry in (old, new, record("p3", name="other")):
            registry.advertise(entry)
        assert registry.lookup("store") == [old, new]
        assert registry.lookup("store", version="2") == [new]
        assert registry.lookup("store", capabilities=["put"]) == [new]
        assert registry.lookup("store", version="1", capabilities=["put"]) == []
        assert len(registry.lookup()) == 3

    def test_the_mesh_sees_only_what_is_meant_for_it(self, registry: ServiceRegistry) -> None:
        """A LOCAL advertisement is found on its host alone; a MESH one by everybody."""
        local, mesh = record("p1"), record("p2", scope=ServiceScope.MESH)
        registry.advertise(local)
        registry.advertise(mesh)
        assert registry.lookup("store") == [local, mesh]
        assert registry.lookup("store", scope=ServiceScope.MESH) == [mesh]

    def test_a_provider_has_one_record_of_a_version(self, registry: ServiceRegistry) -> None:
        """Advertising again takes the earlier record's place; another version stands beside it."""
        registry.advertise(record(metadata={"n": 1}))
        registry.advertise(record(metadata={"n": 2}))
        registry.advertise(record(version="2"))
        assert [entry.metadata.get("n") for entry in registry.lookup("store")] == [2, None]

    def test_withdrawing_one_name_or_all(self, registry: ServiceRegistry) -> None:
        """A provider takes back one service or all it has; others keep theirs."""
        for entry in (record(), record(name="log"), record("p2")):
            registry.advertise(entry)
        assert [entry.name for entry in registry.withdraw("p1", "log")] == ["log"]
        assert registry.providers() == {"p1", "p2"}
        assert len(registry.withdraw("p1")) == 1
        assert registry.withdraw("p1") == []
        assert [entry.proxy.agent_id for entry in registry.lookup("store")] == ["p2"]


class TestLeases:
    def test_a_lease_holds_until_it_expires(self, registry: ServiceRegistry, clock: FakeClock) -> None:
        """A provider is leased until the time the lease was asked for has passed."""
        registry.advertise(record())
        registry.lease("p1", 10.0)
        assert registry.leased_until("p1") == 110.0
        clock.now = 109.9
        assert registry.leased_until("p1") == 110.0
        clock.now = 110.0
        assert registry.leased_until("p1") is None

    def test_the_longest_lease_counts(self, registry: ServiceRegistry) -> None:
        """With several holders a provider is held by the one that holds longest."""
        registry.advertise(record())
        longest = registry.lease("p1", 20.0)
        registry.lease("p1", 10.0)
        assert registry.leased_until("p1") == 120.0
        assert registry.release(longest.lease_id) == longest
        assert registry.leased_until("p1") == 110.0

    def test_renewing_in_time_and_too_late(self, registry: ServiceRegistry, clock: FakeClock) -> None:
        """A lease can be renewed until it has expired, not after."""
        registry.advertise(record())
        lease = registry.lease("p1", 10.0)
        clock.now = 105.0
        assert registry.renew(lease.lease_id, 10.0).expires_at == 115.0
        clock.now = 115.0
        with pytest.raises(ServiceNotFoundError, match="expired"):
            registry.renew(lease.lease_id, 10.0)

    def test_who_provides_nothing_cannot_be_leased(self, registry: ServiceRegistry) -> None:
        """There is no lease on a paglet that advertises nothing."""
        with pytest.raises(ServiceNotFoundError, match="p1"):
            registry.lease("p1", 10.0)

    def test_leases_end_with_the_last_record(self, registry: ServiceRegistry) -> None:
        """A provider that has withdrawn everything is held by nobody."""
        registry.advertise(record())
        registry.advertise(record(name="log"))
        lease = registry.lease("p1", 10.0)
        registry.withdraw("p1", "log")
        assert registry.leased_until("p1") is not None
        registry.withdraw("p1")
        assert registry.leased_until("p1") is None
        with pytest.raises(ServiceNotFoundError):
            registry.renew(lease.lease_id, 10.0)

    def test_releasing_twice_is_harmless(self, registry: ServiceRegistry) -> None:
        """Letting go of what is not held does nothing."""
        registry.advertise(record())
        lease = registry.lease("p1", 10.0)
        assert registry.release(lease.lease_id) is not None
        assert registry.release(lease.lease_id) is None
