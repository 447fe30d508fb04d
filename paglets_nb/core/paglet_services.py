"""What a paglet does with services: advertise, look up, hold.

The host keeps the books and is reached through the context; this room knows no contract
and no registry, and hands through what it is given.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from paglets_nb.core.context import PagletContext

__all__ = ["PagletServices"]

LOCAL = "local"
LOOKUP_TIMEOUT = 2.0
"""Seconds that a look-up waits for the hosts of the mesh."""
LEASE_SECONDS = 30.0


class PagletServices:
    """The service side of every paglet.

    Scopes are ``ServiceScope`` members, or their values ``"local"`` and ``"mesh"``.
    """

    __slots__ = ()

    if TYPE_CHECKING:

        @property
        def context(self) -> PagletContext:
            """The host as this paglet sees it."""
            ...

        agent_id: str

    @property
    def _services(self) -> Any:
        return self.context.host.services

    # ---- provide

    def advertise_contract(self, contract: Any, scope: Any = LOCAL, metadata: Mapping[str, Any] | None = None) -> Any:
        """Offer a contract until this paglet leaves its host, sleeps or ends, or withdraws it.

        Args:
            contract: what is offered; ``handle_message`` must answer its operations.
            scope: LOCAL for paglets of this host, MESH for those of every host.
            metadata: plain values that go with the record.

        Returns:
            The ``ServiceRecord``.
        """
        return self._services.advertise(
            self.agent_id,
            contract.name,
            version=contract.version,
            capabilities=contract.capabilities,
            scope=scope,
            metadata=contract.advertise_metadata(metadata),
        )

    def advertise_service(
        self,
        name: str,
        *,
        version: str = "",
        capabilities: Collection[str] = (),
        scope: Any = LOCAL,
        metadata: Mapping[str, Any] | None = None,
    ) -> Any:
        """Offer a service that has no contract; the rest is as in ``advertise_contract``."""
        return self._services.advertise(
            self.agent_id, name, version=version, capabilities=capabilities, scope=scope, metadata=metadata
        )

    def withdraw_service(self, name: str | None = None) -> None:
        """Take back what this paglet offers: one service or contract by name, or all of them."""
        self._services.withdraw(self.agent_id, name)

    # ---- use

    def lookup_contract(self, contract: Any, scope: Any = LOCAL, *, timeout: float = LOOKUP_TIMEOUT) -> Any:
        """A provider of a contract, one on this host if there is one.

        Args:
            contract: name, version and operations that must be offered.
            scope: LOCAL looks on this host, MESH on every host.
            timeout: seconds to wait for other hosts.

        Returns:
            A ``ServiceHandle``; None when there is no provider.
        """
        return self._services.lookup_contract(contract, scope, timeout=timeout)

    def lookup_contracts(self, contract: Any, scope: Any = LOCAL, *, timeout: float = LOOKUP_TIMEOUT) -> list[Any]:
        """Every provider of a contract as a ``ServiceHandle``, those of this host first."""
        found: list[Any] = self._services.lookup_contracts(contract, scope, timeout=timeout)
        return found

    def require_contract(self, contract: Any, scope: Any = LOCAL, *, timeout: float = LOOKUP_TIMEOUT) -> Any:
        """``lookup_contract``; ServiceNotFoundError when there is no provider."""
        return self._services.require_contract(contract, scope, timeout=timeout)

    def lease_contract(
        self,
        contract: Any,
        scope: Any = LOCAL,
        *,
        timeout: float = LOOKUP_TIMEOUT,
        duration: float = LEASE_SECONDS,
    ) -> Any:
        """A provider that is not ended for want of use while the lease is held.

        Args:
            contract: as in ``lookup_contract``, like the next two.
            scope: where to look.
            timeout: seconds to wait for other hosts.
            duration: seconds it holds; calls through the lease renew it.

        Returns:
            A ``ServiceLease``, to be used with ``with``.

        Raises:
            ServiceNotFoundError: there is no provider.
        """
        return self._services.lease_contract(contract, scope, timeout=timeout, duration=duration)

    def lookup_service(self, name: str, scope: Any = LOCAL, **options: Any) -> Any:
        """The first ``ServiceRecord`` that fits; None when there is none. Options as in ``lookup_services``."""
        return next(iter(self._services.lookup(name, scope, first=True, **options)), None)

    def lookup_services(
        self,
        name: str,
        scope: Any = LOCAL,
        *,
        version: str | None = None,
        capabilities: Collection[str] = (),
        timeout: float = LOOKUP_TIMEOUT,
    ) -> list[Any]:
        """Every ``ServiceRecord`` of a service, those of this host first.

        Args:
            name: of the service or contract.
            scope: LOCAL looks on this host, MESH on every host.
            version: exactly this one; None for any.
            capabilities: operations that must all be offered.
            timeout: seconds to wait for other hosts.
        """
        found: list[Any] = self._services.lookup(
            name, scope, version=version, capabilities=capabilities, timeout=timeout
        )
        return found

    # ---- the same for ``async def`` handlers

    async def lookup_contract_async(self, contract: Any, scope: Any = LOCAL, **options: Any) -> Any:
        """``lookup_contract``, awaited."""
        return await _in_thread(partial(self.lookup_contract, contract, scope, **options))

    async def lookup_contracts_async(self, contract: Any, scope: Any = LOCAL, **options: Any) -> list[Any]:
        """``lookup_contracts``, awaited."""
        return list(await _in_thread(partial(self.lookup_contracts, contract, scope, **options)))

    async def require_contract_async(self, contract: Any, scope: Any = LOCAL, **options: Any) -> Any:
        """``require_contract``, awaited."""
        return await _in_thread(partial(self.require_contract, contract, scope, **options))

    async def lease_contract_async(self, contract: Any, scope: Any = LOCAL, **options: Any) -> Any:
        """``lease_contract``, awaited."""
        return await _in_thread(partial(self.lease_contract, contract, scope, **options))


async def _in_thread(function: Any) -> Any:
    import anyio

    return await anyio.to_thread.run_sync(function, abandon_on_cancel=True)
