"""A paglet that visits ten hosts in a chain, by itself and by itinerary.

``python -m tests.faults.chain [--rounds N] [--hosts N]``: each round sends one traveller
from ``run()``, one from a handler, and one by itinerary over every host, with a file; its
state, its file and the order of the hosts' events must be right every time.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from paglets_nb import Mesh, OperationPaglet, PagletState, ServiceOperation
from paglets_nb.core.events import CreationEvent, MobilityEvent
from paglets_nb.core.itinerary import ItineraryAgentMixin, ItineraryPlan
from paglets_nb.core.ports import CallOptions
from paglets_nb.core.proxy import PagletProxy
from paglets_nb.host.event_pages import EventPage, EventsRequest
from paglets_nb.patterns.operations import OperationClient

WAYS = ("run", "handler", "itinerary")
_DEADLINE = 60.0


@dataclass
class TravellerState(PagletState):
    """The way to go, and what was seen on it."""

    way: str = ""
    hosts: list[str] = field(default_factory=list)
    visited: list[str] = field(default_factory=list)
    pids: list[int] = field(default_factory=list)
    digests: list[str] = field(default_factory=list)
    itinerary: ItineraryPlan = field(default_factory=ItineraryPlan)


@dataclass(frozen=True)
class Go:
    """Begin, or go on."""


@dataclass(frozen=True)
class Seen:
    """What was seen on the way."""

    visited: list[str] = field(default_factory=list)
    pids: list[int] = field(default_factory=list)
    digests: list[str] = field(default_factory=list)


GO = ServiceOperation("go", Go, Go)
SEEN = ServiceOperation("seen", Go, Seen)


class Traveller(ItineraryAgentMixin, OperationPaglet[TravellerState]):
    """Goes from host to host with a file, and notes where it was."""

    def operation_handlers(self) -> Mapping[ServiceOperation, Callable[[Any], Any]]:
        """go, seen."""
        return {GO: self.go, SEEN: self.seen}

    def on_creation(self, event: CreationEvent) -> None:
        """Take the file."""
        self.register_file(event.init, name="luggage")
        self._note()

    def on_arrival(self, event: MobilityEvent) -> None:
        """Note the host and look at the file."""
        self._note()

    def _note(self) -> None:
        state = self.state
        state.visited.append(self.context.name)
        state.pids.append(os.getpid())
        state.digests.append(hashlib.sha256(self.file_path("luggage").read_bytes()).hexdigest())

    def _go_on(self) -> bool:
        ahead = self.state.hosts[len(self.state.visited) :]
        if ahead:
            self.dispatch(ahead[0])
        return bool(ahead)

    def run(self) -> None:
        """Go on by itself."""
        if self.state.way == "run":
            self._go_on()
        elif self.state.way == "itinerary" and len(self.state.visited) > 1:
            self.dispatch_next()
        elif self.state.way == "handler" and 1 < len(self.state.visited) < len(self.state.hosts):
            self.context.client.submit(self.proxy, GO.to_message(), CallOptions(oneway=True))

    def go(self, request: Go) -> Go:
        """Go on from a handler."""
        if self.state.way == "itinerary":
            self.start_itinerary(ItineraryPlan.of(self.state.hosts[1:]))
        else:
            self._go_on()
        return request

    def seen(self, _request: Go) -> Seen:
        """What was seen so far."""
        state = self.state
        return Seen(list(state.visited), list(state.pids), list(state.digests))


def journey(mesh: Mesh, way: str, luggage: Path) -> str:
    """One journey over every host; empty when all was right, else what was wrong."""
    names = [host.name for host in mesh]
    proxy = mesh.create(Traveller, TravellerState(way, names), on=names[0], init=str(luggage))
    client = OperationClient(proxy)
    if way != "run":
        client.call(GO, timeout=_DEADLINE)
    deadline = time.monotonic() + _DEADLINE
    while len((seen := client.call(SEEN)).visited) < len(names):
        if time.monotonic() > deadline:
            return f"{way}: only {seen.visited}"
    events = wrong_events(mesh, proxy, names)
    digest = hashlib.sha256(luggage.read_bytes()).hexdigest()
    wrong = [
        text
        for text, good in (
            (f"visited {seen.visited}", seen.visited == names),
            (f"pids {seen.pids}", seen.pids == [host.pid for host in mesh]),
            ("a file was not whole", set(seen.digests) == {digest}),
            (f"events {events}", not events),
        )
        if not good
    ]
    proxy.dispose()
    return f"{way}: {'; '.join(wrong)}" if wrong else ""


def mesh_events(mesh: Mesh, url: str) -> list[Any]:
    """The events a host holds, messages left out."""
    return mesh.client.ask(url, "@events", EventsRequest(0, 1000, messages=False), EventPage).events


def wrong_events(mesh: Mesh, proxy: PagletProxy, names: list[str]) -> dict[str, list[str]]:
    """The hosts that did not see the paglet come and, but for the last, go; and what they saw."""
    wrong: dict[str, list[str]] = {}
    for number, host in enumerate(mesh):
        seen = [event for event in mesh_events(mesh, host.url) if event.agent_id == proxy.agent_id]
        wanted = ["create" if number == 0 else "arrival", *(["dispatch"] if host.name != names[-1] else [])]
        if [event.kind for event in seen] != wanted:
            wrong[host.name] = [f"{event.kind} {event.details}" for event in seen]
    return wrong


def run_rounds(rounds: int, hosts: int) -> list[str]:
    """Every way of travelling, in each round; what went wrong."""
    wrong: list[str] = []
    with tempfile.TemporaryDirectory() as folder, Mesh(hosts) as mesh:
        luggage = Path(folder) / "luggage.bin"
        luggage.write_bytes(os.urandom(100_000))
        for number in range(1, rounds + 1):
            for way in WAYS:
                problem = journey(mesh, way, luggage)
                if problem:
                    wrong.append(f"round {number}: {problem}")
    return wrong


def main() -> int:
    """Run the rounds; the exit code says whether every journey was right."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--hosts", type=int, default=10)
    options = parser.parse_args()
    started = time.monotonic()
    wrong = run_rounds(options.rounds, options.hosts)
    for line in wrong:
        print(line)
    took = time.monotonic() - started
    journeys = options.rounds * len(WAYS)
    print(f"{journeys} journeys over {options.hosts} hosts in {took:.1f} s, {len(wrong)} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
