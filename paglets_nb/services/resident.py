"""Resident services: providers that a host keeps by itself, and the leases that keep them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, ClassVar

from paglets_nb.core.state import PagletState
from paglets_nb.errors import ServiceContractError, ServiceNotFoundError
from paglets_nb.services.contracts import ServiceContract, ServiceHandle, ServiceOperation, ServiceScope

__all__ = ["ResidentServiceSpec", "ResidentStart", "ServiceLease"]


class ResidentStart(Enum):
    """When a host starts a resident service."""

    LAZY = "lazy"
    EAGER = "eager"


@dataclass(frozen=True)
class ResidentServiceSpec:
    """A service that a host provides by a paglet of its own making.

    Attributes:
        contract: what it offers.
        paglet_class: the provider's class.
        state: the provider's state when it starts; its defaults when None.
        start: LAZY, when it is first looked up; EAGER, when the host starts.
        scope: how far it is advertised.
        idle_timeout: seconds without a look-up, a message or a lease after which it is ended; None for never.
        metadata: added to its advertisement.
    """

    LAZY: ClassVar[ResidentStart] = ResidentStart.LAZY
    EAGER: ClassVar[ResidentStart] = ResidentStart.EAGER

    contract: ServiceContract
    paglet_class: type
    state: PagletState | None = None
    start: ResidentStart = ResidentStart.LAZY
    scope: ServiceScope = ServiceScope.LOCAL
    idle_timeout: float | None = None
    metadata: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.idle_timeout is not None and self.idle_timeout <= 0:
            raise ServiceContractError(
                f"idle_timeout of {self.contract.name!r} must be above 0, not {self.idle_timeout}"
            )


class ServiceLease:
    """A provider that is not ended while this is held; a context manager.

    It is renewed by the calls made through it, so a holder that falls silent, or dies, lets go.

    Args:
        handle: the contract bound to the provider.
        lease_id: the lease at the provider's host.
        duration: seconds it holds after each renewal.
        renew: asks the provider's host for ``duration`` seconds more.
        release: tells the provider's host that it is over.
        clock: seconds, never going back.
    """

    def __init__(
        self,
        handle: ServiceHandle,
        lease_id: str,
        duration: float,
        *,
        renew: Callable[[str, float], None],
        release: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.handle = handle
        self.lease_id = lease_id
        self.duration = duration
        self._renew = renew
        self._release = release
        self._clock = clock
        self._renewed_at = clock()
        self._released = False

    @property
    def contract(self) -> ServiceContract:
        """What is offered."""
        return self.handle.contract

    @property
    def held(self) -> bool:
        """Whether it was neither released nor left to expire."""
        return not self._released and self._clock() < self._renewed_at + self.duration

    def renew(self) -> None:
        """Hold on for ``duration`` seconds from now.

        Raises:
            ServiceNotFoundError: it was released, or it has expired.
        """
        if self._released:
            raise ServiceNotFoundError(f"the lease on {self.contract.name!r} was released")
        asked_at = self._clock()
        self._renew(self.lease_id, self.duration)
        self._renewed_at = asked_at

    def _hold(self) -> None:
        if self._released or self._clock() > self._renewed_at + self.duration / 2:
            self.renew()

    def call(self, operation: ServiceOperation | str, request: Any = None, *, timeout: float | None = None) -> Any:
        """Call an operation of the contract and return its typed reply; renews the lease where that is due."""
        self._hold()
        return self.handle.call(operation, request, timeout=timeout)

    def send_oneway(
        self, operation: ServiceOperation | str, request: Any = None, *, timeout: float | None = None
    ) -> None:
        """Send an operation without waiting for its reply; renews the lease where that is due."""
        self._hold()
        self.handle.send_oneway(operation, request, timeout=timeout)

    def release(self) -> None:
        """Let go; harmless when it is over already."""
        if not self._released:
            self._released = True
            self._release(self.lease_id)

    def __enter__(self) -> ServiceLease:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.release()

    def __repr__(self) -> str:
        state = "held" if self.held else "over"
        return f"<ServiceLease of {self.contract.name!r} {self.contract.version}, {state}, {self.handle.proxy!r}>"
