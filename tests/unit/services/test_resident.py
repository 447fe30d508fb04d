"""Resident services' descriptions, and leases as their holders see them."""

from __future__ import annotations

from typing import Any

import pytest

from paglets_nb.core.paglet import Paglet
from paglets_nb.core.proxy import PagletProxy
from paglets_nb.errors import ServiceContractError, ServiceNotFoundError
from paglets_nb.services.contracts import EmptyPayload, ServiceContract, ServiceHandle, ServiceOperation
from paglets_nb.services.resident import ResidentServiceSpec, ResidentStart, ServiceLease

PING = ServiceOperation("ping")
CONTRACT = ServiceContract("pinger", (PING,))


class Books:
    """What a provider's host would be asked, and a clock."""

    def __init__(self) -> None:
        self.now = 0.0
        self.renewed: list[float] = []
        self.released: list[str] = []
        self.gone = False
        self.calls: list[str] = []

    def renew(self, _lease_id: str, duration: float) -> None:
        """Count, or refuse."""
        if self.gone:
            raise ServiceNotFoundError("expired")
        self.renewed.append(duration)

    def call(self, _proxy: Any, message: Any, _options: Any) -> Any:
        """A client that answers every operation with nothing."""
        self.calls.append(message.kind)
        return {}

    def lease(self, duration: float = 10.0) -> ServiceLease:
        """A lease on this provider."""
        client: Any = self
        handle = ServiceHandle(CONTRACT, PagletProxy("unix:///h", "p1", client))
        return ServiceLease(
            handle, "l1", duration, renew=self.renew, release=self.released.append, clock=lambda: self.now
        )


@pytest.fixture
def books() -> Books:
    """A provider's host."""
    return Books()


def test_a_spec_starts_lazily_unless_told_otherwise() -> None:
    """LAZY is the default, and both starts can be named on the class."""
    spec = ResidentServiceSpec(CONTRACT, Paglet)
    assert spec.start is ResidentStart.LAZY is ResidentServiceSpec.LAZY
    assert ResidentServiceSpec(CONTRACT, Paglet, start=ResidentServiceSpec.EAGER).start is ResidentStart.EAGER


def test_a_spec_refuses_an_idle_timeout_that_is_none() -> None:
    """An idle time-out has to be above zero."""
    with pytest.raises(ServiceContractError, match="idle_timeout of 'pinger'"):
        ResidentServiceSpec(CONTRACT, Paglet, idle_timeout=0.0)


def test_a_lease_calls_and_renews_itself_when_half_is_over(books: Books) -> None:
    """A call renews the lease once half its time has passed, and not before."""
    lease = books.lease()
    assert lease.call(PING) == EmptyPayload()
    assert books.renewed == []
    books.now = 6.0
    lease.call("ping")
    assert books.renewed == [10.0]
    books.now = 15.0
    assert lease.held
    assert books.calls == ["ping", "ping"]


def test_a_lease_left_alone_expires(books: Books) -> None:
    """A lease that was not renewed is over, and a call through it says so."""
    lease = books.lease()
    books.now, books.gone = 10.0, True
    assert not lease.held
    with pytest.raises(ServiceNotFoundError):
        lease.call(PING)
    assert books.calls == []


def test_a_lease_is_released_once_and_then_refuses(books: Books) -> None:
    """Leaving the block lets go, doing so again changes nothing, and nothing can be called any more."""
    with books.lease() as lease:
        assert lease.held
    lease.release()
    assert books.released == ["l1"]
    assert not lease.held
    assert "over" in repr(lease)
    with pytest.raises(ServiceNotFoundError, match="released"):
        lease.call(PING)
