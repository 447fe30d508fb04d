"""What hosts say to each other about services."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from paglets_nb.services.contracts import ServiceRecord, ServiceScope

__all__ = [
    "LeaseGranted",
    "LeaseRelease",
    "LeaseRenewal",
    "LeaseRequest",
    "ServiceAdvertisement",
    "ServiceQuery",
    "ServiceWithdrawal",
    "ServicesFound",
]


@dataclass(frozen=True)
class ServiceQuery:
    """``@service-lookup``: who offers this to the mesh.

    Attributes:
        name: of the service.
        version: exactly this one; None for any.
        capabilities: operations that must all be offered.
        start: start a resident service that nobody has used yet.
    """

    name: str
    version: str | None = None
    capabilities: tuple[str, ...] = ()
    start: bool = False


@dataclass(frozen=True)
class ServicesFound:
    """The reply.

    Attributes:
        startable: whether there is a resident service that would be started.
    """

    records: list[ServiceRecord] = field(default_factory=list)
    startable: bool = False


@dataclass(frozen=True)
class ServiceAdvertisement:
    """``@service-advertise``: the paglet that is the target offers this; the reply is its record."""

    name: str
    version: str = ""
    capabilities: tuple[str, ...] = ()
    scope: ServiceScope = ServiceScope.LOCAL
    metadata: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ServiceWithdrawal:
    """``@service-withdraw``: the paglet that is the target offers this no more; None for all it offers."""

    name: str | None = None


@dataclass(frozen=True)
class LeaseRequest:
    """``@service-lease``: keep a provider.

    Attributes:
        agent_id: the provider.
        duration: seconds.
    """

    agent_id: str
    duration: float


@dataclass(frozen=True)
class LeaseRenewal:
    """``@service-renew``: keep on; ``duration`` in seconds from now."""

    lease_id: str
    duration: float


@dataclass(frozen=True)
class LeaseRelease:
    """``@service-release``: let go."""

    lease_id: str


@dataclass(frozen=True)
class LeaseGranted:
    """The reply to ``@service-lease`` and ``@service-renew``."""

    lease_id: str
