"""The movement benchmark: one traveller over every directed pair of hosts, its hops on one clock.

The workflow, from top to bottom: ``collect`` puts a responder (a clone of the parent) on
every host, reads their clocks by round trips, and sends a ``Traveller`` on Euler's circuit
of the hosts, from its own; the traveller reports each hop by ``child_result`` and hears where to next;
readers ``drain`` the hops as they are made; ``summary`` tells what they came to;
``cleanup`` ends it. A hop is timed from the traveller's stamp before it leaves to its stamp
when it is there, both translated to the clock of the entry host, which is the parent's;
messages, reports and clock readings lie between the hops and are no part of them.
"""

from __future__ import annotations

import dataclasses
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from paglets_nb.agents.circuit import eulerian_circuit
from paglets_nb.agents.gathering import GatherMixin, GatherState
from paglets_nb.agents.movement_results import (
    Arrived,
    HopFailure,
    HostClock,
    MovementRequest,
    MovementResult,
    Onward,
    PairTimes,
)
from paglets_nb.agents.traveller import ARRIVED, CLOCK, ClockReading, Traveller, TravellerState
from paglets_nb.core.proxy import PagletProxy
from paglets_nb.core.references import HostRef
from paglets_nb.errors import HostError, PagletError
from paglets_nb.patterns.cursor_drain import CURSOR_DRAIN
from paglets_nb.patterns.operations import OperationClient, OperationPaglet
from paglets_nb.services.contracts import EmptyPayload, ServiceOperation

__all__ = [
    "CLEANUP",
    "COLLECT",
    "DRAIN",
    "SUMMARY",
    "HopFailure",
    "HostClock",
    "MovementBenchmark",
    "MovementRequest",
    "MovementResult",
    "MovementState",
    "PairTimes",
    "host_clock",
]

COLLECT = ServiceOperation("collect", MovementRequest, MovementResult)
DRAIN = CURSOR_DRAIN
SUMMARY = ServiceOperation("summary", EmptyPayload, MovementResult)
CLEANUP = ServiceOperation("cleanup", EmptyPayload, MovementResult)
MOST_HOPS = 100_000
MOST_PAYLOAD_BYTES = 256 << 20
TRAVELLER = "the traveller"
"""Stands for it among the children; no host is called so."""
_PROBES = 20
_PROBE_TIMEOUT = 5.0
_HOP_TIMEOUT = 10.0
_LATE = "the journey was not over by the deadline"


@dataclass
class MovementState(GatherState):
    """The state of the parent, and of its responders.

    Attributes:
        way: the pairs to travel, in order; travelled ``repeat`` times.
        made: how many hops were made.
        wanted: how many are to be made.
        offsets_ns: of the hosts' clocks, by name.
    """

    way: list[tuple[str, str]] = field(default_factory=list)
    made: int = 0
    wanted: int = 0
    offsets_ns: dict[str, int] = field(default_factory=dict)


class MovementBenchmark(GatherMixin, OperationPaglet[MovementState]):
    """Measures what it takes to move between each two hosts of the mesh."""

    Operations = (COLLECT, ARRIVED, SUMMARY, CLEANUP, CLOCK)
    interleaved_kinds = frozenset((ARRIVED.name, SUMMARY.name, CLEANUP.name))

    def operation_handlers(self) -> Mapping[ServiceOperation, Callable[[Any], Any]]:
        """``collect``, ``child_result``, ``summary``, ``cleanup`` and ``clock``; the mixin serves ``drain``."""
        return {
            COLLECT: self.collect,
            ARRIVED: self.child_result,
            SUMMARY: self.summary,
            CLEANUP: self.cleanup,
            CLOCK: lambda _request: ClockReading(time.monotonic_ns()),
        }

    # ---- the parent

    def collect(self, request: MovementRequest) -> MovementResult:
        """Travel; returns when the traveller is back, or was lost, or the time is up.

        Raises:
            HostError: the request wants what cannot be.
            LifecycleError: a run is under way.
        """
        _check(request)
        self.gather_begin(request.timeout, payload_bytes=request.payload_bytes, repeat=request.repeat)
        try:
            self.state.way, self.state.offsets_ns = [], {}
            hosts = self._place_responders(self.fanout_select_hosts(request.hosts))
            self._plan(hosts, request)
            self._send(hosts[0], request)
            self.gather_wait(lambda: not self.state.pending_hosts)
            self.fanout_expire_pending(_LATE)
        finally:
            self.gather_end()
        return self.summary()

    def _place_responders(self, hosts: Sequence[HostRef]) -> list[HostRef]:
        """A clone on every host, to answer; the hosts where one did, this one first."""
        own, placed = self.context.address, []
        for host in sorted(hosts, key=lambda host: host.url != own):
            responder = None if self.state.cancelled else self.fanout_clone_to(host)
            if responder is None:
                continue
            try:
                self._read_clock(host, responder)
            except PagletError as error:
                self.fanout_record_error(host.name, error)
            else:
                self.fanout_record_done(host.name)
                placed.append(host)
        return placed

    def _plan(self, hosts: Sequence[HostRef], request: MovementRequest) -> None:
        """Lay out the way; HostError where there is none, or too long a one."""
        names = [host.name for host in hosts]
        way = eulerian_circuit(names, self_pairs=request.self_pairs)
        wanted = len(way) * request.repeat
        if not way:
            raise HostError(f"hops want two hosts, or self pairs; there is {', '.join(names) or 'no host'}")
        if wanted > MOST_HOPS:
            raise HostError(f"{wanted} hops are more than {MOST_HOPS}: choose fewer hosts or repeats")
        with self.locked():
            state = self.state
            state.way, state.wanted, state.made = way, wanted, 0
            self.cursor_append_events([{"event": "planned", "hosts": names, "wanted_hops": wanted}])

    def _read_clock(self, host: HostRef, responder: PagletProxy) -> None:
        """How far a host's clock is from this one; this very host's is not."""
        clock = host_clock(responder, host.name)
        if host.url == self.context.address:
            clock = dataclasses.replace(clock, offset_seconds=0.0)
        with self.locked():
            self.state.offsets_ns[host.name] = round(clock.offset_seconds * 1e9)
            self.cursor_append_events([{"event": "clock", **dataclasses.asdict(clock)}])

    def _send(self, entry: HostRef, request: MovementRequest) -> None:
        """Make the traveller on the entry host; from there on it reports."""
        state = TravellerState(self.ref, self.state.run, payload_bytes=request.payload_bytes)
        with self.locked():
            self.state.pending_hosts.append(TRAVELLER)
        try:
            traveller = self.context.create_paglet(Traveller, state, host_url=entry.url)
        except PagletError as error:
            self._fail(HopFailure(entry.name, entry.name, type(error).__name__, str(error)))
        else:
            self.fanout_record_child_proxy(TRAVELLER, traveller)

    def child_result(self, report: Arrived) -> Onward:
        """Keep what the traveller reports; it counts once, and the answer is where to next."""
        with self.locked():
            state = self.state
            if self.gather_heard(TRAVELLER, report.run, report.number):
                wired = state.child_proxies.get(TRAVELLER)
                if wired is not None:
                    wired["host_url"] = report.host_url
                if report.error:
                    self._fail(HopFailure(report.host_name, report.target, report.error_type, report.error))
                elif report.source:
                    self._record_hop(report)
            return self._onward(report.run)

    def _record_hop(self, report: Arrived) -> None:
        """One more hop, on the clock of the entry host."""
        state, offsets = self.state, self.state.offsets_ns
        departed = report.departed_ns - offsets[report.source]
        arrived = report.arrived_ns - offsets[report.host_name]
        hop: dict[str, Any] = {"event": "hop", "source": report.source, "target": report.host_name}
        hop.update(round=state.made // len(state.way) + 1, hop_seconds=(arrived - departed) / 1e9)
        state.made += 1
        self.cursor_append_events([{**hop, "message_seconds": report.message_seconds}])
        if state.made == state.wanted:
            self.fanout_record_done(TRAVELLER)

    def _onward(self, run: int) -> Onward:
        """Where the traveller goes next."""
        state = self.state
        if not self.gather_expects(TRAVELLER, run):
            return Onward()
        target = state.way[state.made % len(state.way)][1]
        responder = state.child_proxies[target]
        timeout = max(0.1, min(_HOP_TIMEOUT, self.gather_left()))
        return Onward(True, target, responder["host_url"], responder["agent_id"], timeout)

    def _fail(self, failure: HopFailure) -> None:
        """The journey is over, and this is why."""
        with self.locked():
            self._fanout_settle(TRAVELLER)
            if self.state.running:
                self.cursor_append_events([{"event": "failed", **dataclasses.asdict(failure)}])

    def fanout_record_error(self, host_name: str, error: BaseException | str) -> None:
        """A traveller that was lost is a failed hop; a late one has expired."""
        if host_name != TRAVELLER or self.gather_left() <= 0:
            super().fanout_record_error(host_name, error)
            return
        with self.locked():
            source, target = self.state.way[self.state.made % len(self.state.way)]
            self._fail(HopFailure(source, target, "HostDiedError", str(error)))

    def summary(self, _request: EmptyPayload | None = None) -> MovementResult:
        """What it has come to, also while it runs."""
        return MovementResult.from_events(self.gather_events())

    def cleanup(self, _request: EmptyPayload) -> MovementResult:
        """End the run, if there is one, and dispose of its paglets; what it has come to."""
        self.gather_cancel()
        return self.summary()


def host_clock(responder: PagletProxy, host_name: str, probes: int = _PROBES) -> HostClock:
    """Read a clock from afar, by the shortest of several round trips.

    In a round trip the clock there was read at some moment between the two readings here, so
    their middle is wrong by half of the round trip at most (Cristian's algorithm).

    Args:
        responder: answers ``CLOCK``.
        host_name: its host.
        probes: round trips.
    """
    call, trips = OperationClient(responder).call, []
    for _ in range(probes):
        sent = time.monotonic_ns()
        there = call(CLOCK, timeout=_PROBE_TIMEOUT).monotonic_ns
        back = time.monotonic_ns()
        trips.append((back - sent, there - (sent + back) // 2))
    best, offset = min(trips)
    median = statistics.median(trip for trip, _offset in trips)
    return HostClock(host_name, offset / 1e9, best / 1e9, median / 1e9, probes)


def _check(request: MovementRequest) -> None:
    """HostError for what cannot be."""
    if request.repeat < 1:
        raise HostError(f"repeat wants a number from 1, got {request.repeat}")
    if not 0 <= request.payload_bytes <= MOST_PAYLOAD_BYTES:
        raise HostError(f"payload_bytes wants 0 to {MOST_PAYLOAD_BYTES}, got {request.payload_bytes}")
