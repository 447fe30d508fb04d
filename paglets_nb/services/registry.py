"""The services of one host: who advertises what, and who holds a lease on whom.

In memory only, and only what happens here: it knows no network and no paglet, and it
asks the clock it was given.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass

from paglets_nb.core.values import new_agent_id
from paglets_nb.errors import ServiceNotFoundError
from paglets_nb.services.contracts import ServiceRecord, ServiceScope

__all__ = ["Lease", "ServiceRegistry"]


@dataclass(frozen=True)
class Lease:
    """A promise that a provider is not ended for want of use.

    Attributes:
        agent_id: the provider.
        expires_at: seconds on the registry's clock.
    """

    lease_id: str
    agent_id: str
    expires_at: float


class ServiceRegistry:
    """Records by provider, name and version, and the leases on providers.

    Args:
        clock: seconds, never going back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._records: dict[tuple[str, str, str], ServiceRecord] = {}
        self._leases: dict[str, Lease] = {}

    # ---- records

    def advertise(self, record: ServiceRecord) -> None:
        """Add a record; it takes the place of its provider's earlier one of this name and version."""
        with self._lock:
            self._records[record.proxy.agent_id, record.name, record.version] = record

    def withdraw(self, agent_id: str, name: str | None = None) -> list[ServiceRecord]:
        """Take back what a provider advertises, all of it or one name; the records that were there.

        Its leases end with its last record.
        """
        with self._lock:
            if not self._records:
                return []
            keys = [key for key in self._records if key[0] == agent_id and name in (None, key[1])]
            taken = [self._records.pop(key) for key in keys]
            if not any(key[0] == agent_id for key in self._records):
                self._leases = {key: lease for key, lease in self._leases.items() if lease.agent_id != agent_id}
            return taken

    def lookup(
        self,
        name: str | None = None,
        *,
        version: str | None = None,
        capabilities: Collection[str] = (),
        scope: ServiceScope = ServiceScope.LOCAL,
    ) -> list[ServiceRecord]:
        """The records that fit, oldest first.

        Args:
            name: the contract's name; None for any.
            version: exactly this one; None for any.
            capabilities: operations that must all be offered.
            scope: MESH for those alone that are advertised to the mesh.
        """
        wanted = set(capabilities)
        with self._lock:
            return [
                record
                for record in self._records.values()
                if name in (None, record.name)
                and version in (None, record.version)
                and wanted <= set(record.capabilities)
                and (scope is ServiceScope.LOCAL or record.scope is ServiceScope.MESH)
            ]

    def providers(self) -> set[str]:
        """The ids of those who advertise something."""
        with self._lock:
            return {agent_id for agent_id, _name, _version in self._records}

    # ---- leases

    def lease(self, agent_id: str, duration: float) -> Lease:
        """Hold a provider for ``duration`` seconds.

        Raises:
            ServiceNotFoundError: it advertises nothing here (any more).
        """
        with self._lock:
            if not any(key[0] == agent_id for key in self._records):
                raise ServiceNotFoundError(f"paglet {agent_id} provides no service here")
            lease = Lease(new_agent_id(), agent_id, self._clock() + duration)
            self._leases[lease.lease_id] = lease
            return lease

    def renew(self, lease_id: str, duration: float) -> Lease:
        """Hold on for ``duration`` seconds from now.

        Raises:
            ServiceNotFoundError: the lease has expired, or its provider has gone.
        """
        with self._lock:
            lease = self._leases.get(lease_id)
            if lease is None or lease.expires_at <= self._clock():
                self._leases.pop(lease_id, None)
                raise ServiceNotFoundError(f"lease {lease_id} has expired, or its provider has gone")
            renewed = Lease(lease_id, lease.agent_id, self._clock() + duration)
            self._leases[lease_id] = renewed
            return renewed

    def release(self, lease_id: str) -> Lease | None:
        """Let a lease go; None when there was none."""
        with self._lock:
            return self._leases.pop(lease_id, None)

    def leased_until(self, agent_id: str) -> float | None:
        """When the last lease on a provider ends, on the registry's clock; None where there is none."""
        now = self._clock()
        with self._lock:
            self._leases = {key: lease for key, lease in self._leases.items() if lease.expires_at > now}
            return max(
                (lease.expires_at for lease in self._leases.values() if lease.agent_id == agent_id), default=None
            )
