"""What the movement benchmark is asked for, what its traveller reports and what it found.

A run is told in events; a ``MovementResult`` is what they come to, whoever folds them.
Knows no host.
"""

from __future__ import annotations

import dataclasses
import importlib
import statistics
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from paglets_nb.agents.texts import aligned, duration, rate
from paglets_nb.errors import PagletError, UnknownHostError
from paglets_nb.plots import Plot, altair

__all__ = ["Arrived", "HopFailure", "HostClock", "MovementRequest", "MovementResult", "Onward", "PairTimes"]


CLOCK_HEADERS = ("host", "clock offset", "message round trip")


@dataclass(frozen=True)
class MovementRequest:
    """What to measure.

    Attributes:
        hosts: their names, the entry host first; every host that is online where there are none.
        repeat: how often each pair is travelled.
        payload_bytes: what the traveller carries in its state.
        self_pairs: each host to itself as well: a clone on the same host.
        timeout: seconds for the whole run.
    """

    hosts: list[str] = field(default_factory=list)
    repeat: int = 5
    payload_bytes: int = 0
    self_pairs: bool = False
    timeout: float = 60.0


@dataclass(frozen=True)
class Arrived:
    """What the traveller tells the parent at each host.

    Attributes:
        run: which run of the parent it belongs to.
        number: of the report, from 1; one that is sent again changes nothing.
        host_name: where it is.
        host_url: the address of that host.
        source: the host it came from; empty at the beginning.
        departed_ns: when it left, on the source's clock.
        arrived_ns: when it was here, on this host's clock.
        message_seconds: the median round trip of a typed call from the source to this host.
        target: where it could not go; empty where it is where it should be.
        error_type: why not.
        error: the same in words.
    """

    run: int = 0
    number: int = 0
    host_name: str = ""
    host_url: str = ""
    source: str = ""
    departed_ns: int = 0
    arrived_ns: int = 0
    message_seconds: float = 0.0
    target: str = ""
    error_type: str = ""
    error: str = ""


@dataclass(frozen=True)
class Onward:
    """What the parent answers the traveller.

    Attributes:
        go_on: False ends its journey.
        target: where it goes next.
        responder_url: the address of the paglet there that answers calls.
        responder_id: that paglet.
        timeout: seconds for the hop.
    """

    go_on: bool = False
    target: str = ""
    responder_url: str = ""
    responder_id: str = ""
    timeout: float = 10.0


@dataclass(frozen=True)
class HostClock:
    """A host's clock and how far it is away, as seen from the entry host.

    Attributes:
        host: its name.
        offset_seconds: its monotonic clock minus the entry host's, from the shortest round trip.
        best_round_trip_seconds: the shortest; half of it is the most the offset can be wrong by.
        median_round_trip_seconds: of a typed call.
        probes: calls that were made.
    """

    host: str
    offset_seconds: float
    best_round_trip_seconds: float
    median_round_trip_seconds: float
    probes: int


@dataclass(frozen=True)
class HopFailure:
    """The hop that ended the journey.

    Attributes:
        source: from where.
        target: to where; empty where it is not known.
        error_type: the error's type.
        error: the same in words.
    """

    source: str
    target: str
    error_type: str
    error: str


@dataclass(frozen=True)
class PairTimes:
    """The hops from one host to another, in the order in which they were made.

    Attributes:
        source: from where.
        target: to where.
        hop_seconds: of each hop, from the stamp before it leaves to the one when it is there.
        message_seconds: of each hop, the median round trip of a typed call between the two, made before it.
        payload_bytes: what the traveller carried.
    """

    source: str
    target: str
    hop_seconds: list[float] = field(default_factory=list)
    message_seconds: list[float] = field(default_factory=list)
    payload_bytes: int = 0

    @property
    def median_hop_seconds(self) -> float:
        """The median of the hops."""
        return statistics.median(self.hop_seconds)

    @property
    def median_message_seconds(self) -> float:
        """The median of the messages' round trips."""
        return statistics.median(self.message_seconds)

    @property
    def overhead_seconds(self) -> float:
        """What a hop takes beyond the round trip of a message."""
        return self.median_hop_seconds - self.median_message_seconds

    @property
    def payload_bytes_per_second(self) -> float:
        """How fast the payload travelled; 0 where there was none."""
        return self.payload_bytes / self.median_hop_seconds if self.median_hop_seconds > 0 else 0.0


@dataclass(frozen=True)
class MovementResult:
    """What a run of the movement benchmark found, whole or so far.

    Attributes:
        hosts: the hosts that were travelled, the entry host first.
        pairs: those that were travelled at least once.
        clocks: of the hosts.
        payload_bytes: what the traveller carried in its state.
        repeat: how often each pair was to be travelled.
        wanted_hops: how many hops were to be made.
        failure: the hop that ended the journey; None where none did.
        errors: hosts that could not take part.
        expired: the time was up.
        cancelled: it was ended before its time.
        done: the run has ended.
        elapsed_seconds: how long it took.
        cleanup_errors: paglets that could not be disposed of, by host.
    """

    hosts: list[str] = field(default_factory=list)
    pairs: list[PairTimes] = field(default_factory=list)
    clocks: list[HostClock] = field(default_factory=list)
    payload_bytes: int = 0
    repeat: int = 0
    wanted_hops: int = 0
    failure: HopFailure | None = None
    errors: dict[str, str] = field(default_factory=dict)
    expired: bool = False
    cancelled: bool = False
    done: bool = False
    elapsed_seconds: float = 0.0
    cleanup_errors: dict[str, str] = field(default_factory=dict)

    @classmethod
    def from_events(cls, events: Iterable[Mapping[str, Any]]) -> MovementResult:
        """The result that the events of a run come to."""
        about: dict[str, Any] = {}
        pairs: dict[tuple[str, str], PairTimes] = {}
        clocks: dict[str, HostClock] = {}
        errors: dict[str, str] = {}
        for event in events:
            kind, values = event["event"], {name: event[name] for name in event if name not in ("event", "cursor")}
            if kind == "begun":
                about, pairs, clocks, errors = values, {}, {}, {}
            elif kind == "hop":
                key = event["source"], event["target"]
                pair = pairs.setdefault(key, PairTimes(*key, payload_bytes=about["payload_bytes"]))
                pair.hop_seconds.append(event["hop_seconds"])
                pair.message_seconds.append(event["message_seconds"])
            elif kind == "clock":
                clocks[event["host"]] = HostClock(**values)
            elif kind == "failed":
                about["failure"] = HopFailure(**values)
            elif kind == "error":
                errors[event["host"]] = event["error"]
            elif kind == "expired":
                about["expired"] = True
            else:
                about.update(values, **({"done": True} if kind == "ended" else {}))
        return cls(pairs=list(pairs.values()), clocks=list(clocks.values()), errors=errors, **about)

    def lost(self, error: BaseException) -> MovementResult:
        """The same where the parent was lost: the journey ended with it."""
        if self.done:
            return self
        failure = HopFailure(self.hosts[0] if self.hosts else "", "", type(error).__name__, str(error))
        return dataclasses.replace(self, failure=failure, done=True)

    def pair(self, source: str, target: str) -> PairTimes | None:
        """The hops from one host to another; None where there was none. UnknownHostError for a stranger."""
        for name in (source, target):
            if name not in self.hosts:
                raise UnknownHostError(name, self.hosts)
        return next((entry for entry in self.pairs if (entry.source, entry.target) == (source, target)), None)

    @property
    def hops(self) -> int:
        """The hops that were made."""
        return sum(len(entry.hop_seconds) for entry in self.pairs)

    def matrix(self) -> list[list[float | None]]:
        """Median seconds of a hop, a row for each source and a column for each target."""
        found = {(entry.source, entry.target): entry.median_hop_seconds for entry in self.pairs}
        return [[found.get((source, target)) for target in self.hosts] for source in self.hosts]

    def median(self, of: Callable[[PairTimes], float]) -> float:
        """The median over the pairs of different hosts, or of what there is; 0 where there is none."""
        apart = [pair for pair in self.pairs if pair.source != pair.target] or self.pairs
        return statistics.median(map(of, apart)) if apart else 0.0

    def facts(self) -> list[tuple[str, str]]:
        """What the pairs have in common, for people: a name and a value each."""
        if not self.pairs:
            return []
        facts = [
            ("hop", f"{duration(self.median(lambda pair: pair.median_hop_seconds))} (median of the pairs)"),
            ("message round trip", duration(self.median(lambda pair: pair.median_message_seconds))),
            ("overhead of a hop", duration(self.median(lambda pair: pair.overhead_seconds))),
        ]
        if self.payload_bytes:
            facts.append(("payload", rate(self.median(lambda pair: pair.payload_bytes_per_second), "bytes")))
        return facts

    def clock_rows(self) -> list[tuple[str, str, str]]:
        """Each host with its clock's offset, as exact as it is known, and the round trip of a typed call to it."""
        return [
            (
                clock.host,
                f"{duration(clock.offset_seconds)} ± {duration(clock.best_round_trip_seconds / 2)}",
                duration(clock.median_round_trip_seconds),
            )
            for clock in self.clocks
        ]

    def remarks(self) -> list[str]:
        """What went wrong, a line each."""
        lines = []
        if self.failure is not None:
            way = f"{self.failure.source} to {self.failure.target}" if self.failure.target else self.failure.source
            lines.append(f"the journey ended on the way from {way}: {self.failure.error_type}: {self.failure.error}")
        lines += [f"{host}: {error}" for host, error in self.errors.items()]
        lines += [f"{host}: its paglet was not disposed of: {error}" for host, error in self.cleanup_errors.items()]
        return lines

    def headline(self) -> str:
        """How far it is, in one line."""
        ending = "done" if self.done else "running"
        if self.failure is not None:
            ending = "failed"
        elif self.expired or self.cancelled:
            ending = "expired" if self.expired else "stopped"
        took = f" in {self.elapsed_seconds:.1f} s" if self.done else ""
        count = len(self.hosts)
        return f"{self.hops} of {self.wanted_hops} hops between {count} host{'s' * (count != 1)}, {ending}{took}"

    def to_frame(self) -> Any:
        """A pandas DataFrame with a row for each pair; PagletError where pandas is not installed."""
        try:
            pandas = importlib.import_module("pandas")
        except ImportError as error:
            raise PagletError("frames need pandas; install it with: pip install 'paglets_nb[plots]'") from error
        names = ("source", "target", "median_hop_seconds", "median_message_seconds", "overhead_seconds")
        columns = [*names, "payload_bytes_per_second"]
        rows = [
            {"hops": len(pair.hop_seconds), **{name: getattr(pair, name) for name in columns}} for pair in self.pairs
        ]
        return pandas.DataFrame(rows, columns=["source", "target", "hops", *columns[2:]])

    def plot(self) -> Plot:
        """The matrix as a heat-map: sources down, targets across, the median hop in milliseconds."""
        alt = altair()
        values: list[dict[str, Any]] = [
            {"from": pair.source, "to": pair.target, "ms": pair.median_hop_seconds * 1e3} for pair in self.pairs
        ]
        base = alt.Chart(alt.Data(values=values), width=alt.Step(70), height=alt.Step(40)).encode(
            x=alt.X("to:N", sort=self.hosts, axis=alt.Axis(orient="top", labelAngle=0)),
            y=alt.Y("from:N", sort=self.hosts),
        )
        heat = base.mark_rect().encode(color=alt.Color("ms:Q", title="hop, ms", scale=alt.Scale(scheme="blues")))
        middle = (min(value["ms"] for value in values) + max(value["ms"] for value in values)) / 2 if values else 0
        ink = alt.condition(alt.datum.ms > middle, alt.value("white"), alt.value("black"))
        return Plot(heat + base.mark_text().encode(text=alt.Text("ms:Q", format=".2f"), color=ink), self._table())

    def _table(self) -> str:
        rows = [
            (source, *("" if entry is None else duration(entry) for entry in row))
            for source, row in zip(self.hosts, self.matrix(), strict=True)
        ]
        return aligned(["from \\ to", *self.hosts], rows)

    def __repr__(self) -> str:
        table = [self._table(), *(f"{name}: {value}" for name, value in self.facts())] if self.pairs else []
        clocks = [aligned(CLOCK_HEADERS, self.clock_rows())] if self.clocks else []
        return "\n".join([self.headline(), *table, *clocks, *self.remarks()])
