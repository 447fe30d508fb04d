"""Settlement: movements whose two hosts lost sight of each other, and messages that were left behind.

The target asks the source how a movement ended that it has prepared; the source tells
the target of a commit that it could not deliver. Either comes back to it until it is
settled. A movement that is neither under way nor committed at its source never will be.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from paglets_nb.errors import HostDiedError, LifecycleError, PagletError
from paglets_nb.host.delivery import forward_stored
from paglets_nb.host.protocol import Arrival, Nothing, Outcome, OutcomeRequest, Settle

if TYPE_CHECKING:
    from paglets_nb.host.arrivals import Prepared
    from paglets_nb.host.host import Host

__all__ = ["Settlement"]

GRACE = 1.0
"""Seconds for which a movement under way is left alone."""
_INTERVAL = 0.5
_ASK = 2.0
_ASK_LATE = 0.5


@dataclass(frozen=True, eq=False)
class _Departure:
    """One time that a paglet left, for ``url``; two for the same are not one."""

    url: str


class Settlement:
    """Settles the movements of one host that are in doubt, from one thread of its own."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._lock = threading.Lock()
        self._wake = threading.Condition(self._lock)
        self._untold: dict[str, str] = {}
        self._behind: dict[str, _Departure] = {}
        self._following: set[str] = set()
        self._running = False
        self._closed = False

    def watch(self) -> None:
        """A paglet has been prepared here: look after it until it is settled."""
        with self._lock:
            if self._running or self._closed:
                return
            self._running = True
        with suppress(LifecycleError):  # the host ends
            self._host.workers.submit(self._run)

    def tell_later(self, url: str, operation_id: str) -> None:
        """The target at ``url`` must hear that a movement was committed."""
        with self._wake:
            self._untold[operation_id] = url
        self.watch()

    def forward(self, agent_id: str, url: str) -> None:
        """Send the stored messages of a paglet that left for ``url`` after it, now and as long as some are left."""
        with self._wake:
            self._behind[agent_id] = _Departure(url)
        self._try(self._forward, agent_id)
        with self._wake:
            left = agent_id in self._behind
        if left:
            self.watch()

    def forward_later(self, agent_id: str, url: str) -> None:
        """Messages of a paglet that left for ``url`` must follow it."""
        with self._wake:
            self._behind[agent_id] = _Departure(url)
        self.watch()

    def give_up(self, url: str, arrival: Arrival, *, late: bool = False) -> None:
        """Tell a target to forget what it prepared; one that cannot be reached will ask.

        Args:
            url: its address.
            arrival: what it was to prepare.
            late: it did not answer that in time, and whoever wants the movement has waited long enough.
        """
        patience = _ASK_LATE if late else _ASK
        try:
            if url == self._host.address:
                self._host.arrivals.abandon("", Settle(arrival.operation_id))
            else:
                self._host.client.ask(url, "@abandon", Settle(arrival.operation_id), Nothing, timeout=patience)
        except (PagletError, OSError) as error:
            self._host.events.record("failure", arrival.agent_id, step="abandon", error=str(error))

    def _run(self) -> None:
        while True:
            with self._wake:
                if self._closed:
                    return
                self._wake.wait(_INTERVAL)
                untold, behind = list(self._untold.items()), list(self._behind)
                if self._closed or not (untold or behind or self._host.arrivals.in_doubt(0.0)):
                    self._running = False
                    return
            for operation_id, url in untold:
                self._try(self._tell, operation_id, url)
            for agent_id in behind:
                self._try(self._forward, agent_id)
            for prepared in self._host.arrivals.in_doubt(GRACE):
                self._try(self._ask, prepared)

    def _try(self, step: Callable[..., None], *arguments: Any) -> None:
        """Take a step; one that fails, e.g. because the store does, is tried again and keeps no other back."""
        try:
            step(*arguments)
        except Exception as error:
            if not self._closed:
                self._host.events.record("failure", "", step="settle", error=repr(error))

    def _tell(self, operation_id: str, url: str) -> None:
        try:
            self._host.client.ask(url, "@activate", Settle(operation_id), Nothing, timeout=_ASK)
        except (HostDiedError, TimeoutError):
            return
        except PagletError as error:  # it knows nothing of it, or its hook failed: it is the target's now
            self._host.events.record("failure", "", step="activate", operation_id=operation_id, error=str(error))
        with self._wake:
            self._untold.pop(operation_id, None)
        self._host.movement.told(operation_id)

    def _forward(self, agent_id: str) -> None:
        """Have one thread at a time send what is left, until it has done so since the paglet left last."""
        while True:
            with self._wake:
                departure = self._behind.get(agent_id)
                if departure is None or agent_id in self._following:
                    return
                self._following.add(agent_id)
            sent = False
            try:
                sent = forward_stored(self._host, agent_id, departure.url)
            finally:
                with self._wake:
                    self._following.discard(agent_id)
                    last = self._behind.get(agent_id) is departure
                    if last and sent:
                        del self._behind[agent_id]
            if last:
                return

    def _ask(self, prepared: Prepared) -> None:
        arrival = prepared.arrival
        settle = Settle(arrival.operation_id)
        # a source that lost its memory has lost a paglet that was only there: this is the one that is left
        last_one = prepared.resident.durability == "memory" and arrival.mode != "clone"
        try:
            request = OutcomeRequest(arrival.operation_id)
            outcome = self._host.client.ask(arrival.source_url, "@outcome", request, Outcome, timeout=_ASK)
        except HostDiedError:
            source = self._host.members.find(arrival.source_url)
            if source is not None and not source.online and last_one:
                self._settle(lambda: self._host.arrivals.activate("", settle), arrival)
            return
        except TimeoutError:
            return
        restarted = outcome.boot != arrival.source_boot
        if outcome.decision == "commit" or (restarted and last_one):
            self._settle(lambda: self._host.arrivals.activate("", settle), arrival)
        elif outcome.decision == "abort":
            self._settle(lambda: self._host.arrivals.abandon("", settle), arrival)

    def _settle(self, step: Callable[[], Any], arrival: Arrival) -> None:
        try:
            step()
        except Exception as error:  # a hook of the paglet's; it is settled all the same
            self._host.events.record("failure", arrival.agent_id, step="settle", error=repr(error))

    def close(self) -> None:
        """End the thread."""
        with self._wake:
            self._closed = True
            self._wake.notify_all()
