"""The paglet that travels: stamps the clock when it leaves and when it is there, and asks where to next.

Its state is small, so that what a hop costs is the hop and the payload: the way is kept by
its parent, which it tells of each hop when it is over. A host's pair with itself is a
clone on that host, for a dispatch to where a paglet is does nothing.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from paglets_nb.agents.gathering import ParentGoneError, report_to
from paglets_nb.agents.movement_results import Arrived, Onward
from paglets_nb.core.events import CloneEvent, CreationEvent, MobilityEvent
from paglets_nb.core.references import PagletProxyRef
from paglets_nb.core.state import PagletState
from paglets_nb.core.tickets import TransferTicket
from paglets_nb.errors import PagletError
from paglets_nb.patterns.operations import OperationClient, OperationPaglet
from paglets_nb.services.contracts import EmptyPayload, ServiceOperation

__all__ = ["ARRIVED", "CLOCK", "ClockReading", "Traveller", "TravellerState"]

_CALLS = 5
_CALL_TIMEOUT = 10.0
_GRACE = 30.0


@dataclass(frozen=True)
class ClockReading:
    """A monotonic clock.

    Attributes:
        monotonic_ns: nanoseconds, from a beginning of its own.
    """

    monotonic_ns: int = 0


CLOCK = ServiceOperation("clock", EmptyPayload, ClockReading)
ARRIVED = ServiceOperation("child_result", Arrived, Onward)
STAMP = ServiceOperation("stamp", EmptyPayload, ClockReading)


@dataclass
class TravellerState(PagletState):
    """What travels.

    Attributes:
        parent: whom to tell.
        run: which run of the parent it belongs to.
        number: of the next report.
        source: the host it left last.
        departed_ns: when, on that host's clock.
        message_seconds: the round trip of a typed call to the host it went to, measured before it left.
        payload_bytes: how much it is to carry.
        payload: what it carries.
    """

    parent: PagletProxyRef = field(default_factory=lambda: PagletProxyRef("", ""))
    run: int = 0
    number: int = 1
    source: str = ""
    departed_ns: int = 0
    message_seconds: float = 0.0
    payload_bytes: int = 0
    payload: bytes = b""


class Traveller(OperationPaglet[TravellerState]):
    """Goes where its parent says."""

    Operations = (STAMP,)
    _arrived_ns = 0
    _echo = False

    def operation_handlers(self) -> Mapping[ServiceOperation, Callable[[Any], Any]]:
        """``stamp``: when this one came."""
        return {STAMP: lambda _request: ClockReading(self._arrived_ns)}

    def on_creation(self, event: CreationEvent) -> None:
        """Take the payload."""
        self.state.payload = os.urandom(self.state.payload_bytes)

    def on_arrival(self, event: MobilityEvent) -> None:
        """Stamp the clock, before anything else."""
        self._arrived_ns = time.monotonic_ns()

    def on_clone(self, event: CloneEvent) -> None:
        """The same; a clone goes no further."""
        self._arrived_ns = time.monotonic_ns()
        self._echo = True

    def run(self) -> None:
        """Report, ask where to, and go; the run that follows is over there."""
        if self._echo:
            return
        arrived_ns: int | None = self._arrived_ns
        try:
            while arrived_ns is not None and (onward := self._tell(arrived_ns)).go_on:
                arrived_ns = self._hop(onward)
        except ParentGoneError:
            with suppress(PagletError):  # somebody may just be about it
                self.dispose()

    def _hop(self, onward: Onward) -> int | None:
        """Make one hop; when it arrived where that is here, None where it has left or failed."""
        try:
            self._ready(onward)
            if onward.target == self.context.name:
                return self._to_itself(onward)
            self.dispatch(TransferTicket(onward.target, timeout=onward.timeout))
        except Exception as error:  # told from here, whatever it is, where the paglet is still here to tell
            if not self._ended:
                self._tell(0, target=onward.target, error_type=type(error).__name__, error=str(error))
        return None

    def _tell(self, arrived_ns: int, **failure: Any) -> Onward:
        """Report a hop that is over, and hear where to next."""
        state, context = self.state, self.context
        times = (state.departed_ns, arrived_ns, state.message_seconds)
        report = Arrived(state.run, state.number, context.name, context.address, state.source, *times, **failure)
        onward: Onward = report_to(state.parent, context, ARRIVED, report, time.monotonic() + _GRACE)
        state.number += 1
        return onward

    def _ready(self, onward: Onward) -> None:
        """Measure what a message costs on the way, then stamp the clock."""
        state = self.state
        responder = PagletProxyRef(onward.responder_url, onward.responder_id).resolve(self.context)
        call, taken = OperationClient(responder).call, []
        for _ in range(_CALLS):
            began = time.monotonic_ns()
            call(CLOCK, timeout=_CALL_TIMEOUT)
            taken.append(time.monotonic_ns() - began)
        state.message_seconds = statistics.median(taken) / 1e9
        state.source, state.departed_ns = self.context.name, time.monotonic_ns()

    def _to_itself(self, onward: Onward) -> int:
        """Make a clone beside this one, and end it; when it came."""
        clone = self.clone(TransferTicket(self.context.address, timeout=onward.timeout))
        try:
            reading: ClockReading = OperationClient(clone).call(STAMP, timeout=_CALL_TIMEOUT)
        finally:
            clone.dispose(timeout=_CALL_TIMEOUT)
        return reading.monotonic_ns
