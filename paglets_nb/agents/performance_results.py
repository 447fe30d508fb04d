"""What the performance benchmark is asked for, what it reports and what it found.

A run is told in events, each a thing that happened on one host; a ``PerformanceResult`` is
what they come to, whoever folds them: the parent for its summary, a reader from what it
has drained so far. Knows no host and no process.
"""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from paglets_nb.agents.texts import aligned, rate
from paglets_nb.agents.volumes import SkippedVolume
from paglets_nb.errors import PagletError, UnknownHostError
from paglets_nb.plots import Plot, altair

__all__ = [
    "ChildAnswer",
    "ChildReport",
    "HostPerformance",
    "Measurement",
    "PerformanceRequest",
    "PerformanceResult",
]


@dataclass(frozen=True)
class PerformanceRequest:
    """What to measure.

    Attributes:
        hosts: their names; every host that is online where there are none.
        volumes: folders for the disk measures; a folder of each writable volume where there are none.
        quick: shorter and smaller measures, less exact.
        timeout: seconds for the whole run.
    """

    hosts: list[str] = field(default_factory=list)
    volumes: list[str] = field(default_factory=list)
    quick: bool = False
    timeout: float = 60.0


@dataclass(frozen=True)
class Measurement:
    """One measure of one host.

    Attributes:
        area: ``cpu``, ``memory`` or ``disk``.
        name: what was done, e.g. ``integer``.
        counted: what there was so much of a second: ``operations``, ``bytes``, ``syncs``, ``files``.
        rate_per_second: how much; of several processes the sum.
        lowest_per_second: of the measure's parts.
        highest_per_second: of the measure's parts.
        elapsed_seconds: how long it was measured.
        all_cores: by a process on every core, rather than by one.
        workers: how many processes.
        size_bytes: of the buffer or the file; 0 where there is none.
        volume: the folder; empty where there is none.
        note: what one should know about it.
    """

    area: str
    name: str
    counted: str
    rate_per_second: float
    lowest_per_second: float = 0.0
    highest_per_second: float = 0.0
    elapsed_seconds: float = 0.0
    all_cores: bool = False
    workers: int = 1
    size_bytes: int = 0
    volume: str = ""
    note: str = ""

    @property
    def label(self) -> str:
        """The same measure has the same label on every host."""
        return f"{self.area} {self.name}" + (", all cores" if self.all_cores else "")

    @property
    def rate(self) -> str:
        """How much a second, for people."""
        return rate(self.rate_per_second, self.counted)


@dataclass(frozen=True)
class ChildReport:
    """What a child tells its parent.

    Attributes:
        host_name: the child's host.
        run: which run of the parent it belongs to.
        number: of the report, from 1; one that is sent again changes nothing.
        kind: ``started``, ``waiting``, ``running``, ``measured``, ``skipped``, ``clean-up error``,
            ``done``, ``error``, ``expired``.
        machine: of a start.
        cores: of a start; those its host may use.
        measurement: what was measured.
        skipped: what was not.
        seconds: waited for the machine, of ``running``; since the start, of ``done``.
        error: what went wrong.
    """

    host_name: str = ""
    run: int = 0
    number: int = 0
    kind: str = ""
    machine: str = ""
    cores: int = 0
    measurement: Measurement | None = None
    skipped: SkippedVolume | None = None
    seconds: float = 0.0
    error: str = ""

    def to_event(self) -> dict[str, Any]:
        """The event that the parent keeps of it, as plain values."""
        event: dict[str, Any] = {"event": self.kind, "host": self.host_name}
        if self.kind == "started":
            event.update(machine=self.machine, cores=self.cores)
        elif self.measurement is not None:
            event.update(dataclasses.asdict(self.measurement))
        elif self.skipped is not None:
            event.update(volume=self.skipped.path, reason=self.skipped.reason)
        elif self.error:
            event["error"] = self.error
        else:
            event["seconds"] = self.seconds
        return event


@dataclass(frozen=True)
class ChildAnswer:
    """What the parent answers a child: whether to go on."""

    go_on: bool = True


@dataclass(frozen=True)
class HostPerformance:
    """What is known of one host.

    Attributes:
        host: its name.
        state: ``chosen``, ``started``, ``waiting`` for its machine, ``running``, ``done``, ``failed``, ``expired`` or
            ``stopped``.
        machine: the machine it runs on; hosts of one machine are measured one after the other.
        cores: those it may use.
        measurements: in the order in which they were taken.
        skipped: volumes that were left out.
        waited_seconds: for its turn.
        error: why it failed.
        cleanup_errors: what it could not remove.
    """

    host: str
    state: str = "chosen"
    machine: str = ""
    cores: int = 0
    measurements: list[Measurement] = field(default_factory=list)
    skipped: list[SkippedVolume] = field(default_factory=list)
    waited_seconds: float = 0.0
    error: str = ""
    cleanup_errors: list[str] = field(default_factory=list)

    def measurement(self, label: str, volume: str = "") -> Measurement | None:
        """The measurement with this label (and of this volume); None where it was not taken."""
        found = (entry for entry in self.measurements if entry.label == label and volume in ("", entry.volume))
        return next(found, None)


_UNDER_WAY = ("chosen", "started", "waiting", "running")
_NAMES = {field.name for field in dataclasses.fields(Measurement)}
_STATES = {
    "started": "started",
    "waiting": "waiting",
    "running": "running",
    "done": "done",
    "error": "failed",
    "expired": "expired",
}


def _after(before: HostPerformance, event: Mapping[str, Any]) -> HostPerformance:
    """A host after one more event."""
    kind = event["event"]
    changes: dict[str, Any] = {"state": _STATES.get(kind, before.state)}
    if kind == "started":
        changes.update(machine=event["machine"], cores=event["cores"])
    elif kind == "running":
        changes["waited_seconds"] = event["seconds"]
    elif kind == "measured":
        values = {name: value for name, value in event.items() if name in _NAMES}
        changes["measurements"] = [*before.measurements, Measurement(**values)]
    elif kind == "skipped":
        changes["skipped"] = [*before.skipped, SkippedVolume(event["volume"], event["reason"])]
    elif kind == "clean-up error":
        changes["cleanup_errors"] = [*before.cleanup_errors, event["error"]]
    elif kind in ("error", "expired"):
        changes["error"] = event["error"]
    return dataclasses.replace(before, **changes)


def _stopped(host: HostPerformance) -> HostPerformance:
    """A host when the run has ended."""
    return dataclasses.replace(host, state="stopped") if host.state in _UNDER_WAY else host


@dataclass(frozen=True)
class PerformanceResult:
    """What a run of the performance benchmark found, whole or so far.

    Attributes:
        hosts: each host that was asked for.
        done: the run has ended.
        cancelled: it was ended before its time.
        elapsed_seconds: how long it took.
        cleanup_errors: children that could not be disposed of, by host.
    """

    hosts: list[HostPerformance] = field(default_factory=list)
    done: bool = False
    cancelled: bool = False
    elapsed_seconds: float = 0.0
    cleanup_errors: dict[str, str] = field(default_factory=dict)

    @classmethod
    def from_events(cls, events: Iterable[Mapping[str, Any]]) -> PerformanceResult:
        """The result that the events of a run come to."""
        hosts: dict[str, HostPerformance] = {}
        ending: dict[str, Any] = {}
        for event in events:
            if event["event"] == "begun":
                hosts, ending = {}, {}
            elif event["event"] == "chosen":
                hosts = {name: HostPerformance(name) for name in event["hosts"]} | hosts
            elif event["event"] == "ended":
                names = ("cancelled", "elapsed_seconds", "cleanup_errors")
                ending = {"done": True, **{name: event[name] for name in names}}
                hosts = {name: _stopped(host) for name, host in hosts.items()}
            else:
                name = event["host"]
                hosts[name] = _after(hosts.get(name, HostPerformance(name)), event)
        return cls(list(hosts.values()), **ending)

    def lost(self, error: BaseException) -> PerformanceResult:
        """The same where the parent was lost: what was under way has failed."""
        why = f"the benchmark was lost with its host: {error}"
        changes: dict[str, Any] = {"state": "failed", "error": why}
        hosts = [dataclasses.replace(host, **changes) if host.state in _UNDER_WAY else host for host in self.hosts]
        return dataclasses.replace(self, hosts=hosts, done=True)

    def __getitem__(self, host: str) -> HostPerformance:
        found = next((entry for entry in self.hosts if entry.host == host), None)
        if found is None:
            raise UnknownHostError(host, [entry.host for entry in self.hosts])
        return found

    @property
    def errors(self) -> dict[str, str]:
        """What went wrong, by host; what expired is not among them."""
        return {entry.host: entry.error for entry in self.hosts if entry.state == "failed"}

    @property
    def expired(self) -> list[str]:
        """The hosts that were not done in time."""
        return [entry.host for entry in self.hosts if entry.state == "expired"]

    @property
    def pending(self) -> list[str]:
        """The hosts that are still at work, or wait for it."""
        return [entry.host for entry in self.hosts if entry.state in _UNDER_WAY]

    def labels(self) -> list[tuple[str, str]]:
        """The measures that some host took, each with its volume, in their order."""
        taken = ((entry.label, entry.volume) for host in self.hosts for entry in host.measurements)
        return list(dict.fromkeys(taken))

    def rows(self) -> list[tuple[str, list[Measurement | None]]]:
        """A row for each measure: its label, and what each host has."""
        return [
            (f"{label} {volume}".rstrip(), [host.measurement(label, volume) for host in self.hosts])
            for label, volume in self.labels()
        ]

    def remarks(self) -> list[str]:
        """What one should know beside the figures, a line each."""
        lines = []
        for host in self.hosts:
            lines += [f"{host.host}: {host.error}"] if host.error else []
            lines += [f"{host.host}: {entry.path} was skipped: {entry.reason}" for entry in host.skipped]
            noted = [(entry.volume or entry.label, entry.note) for entry in host.measurements if entry.note]
            lines += [f"{host.host}: {what}: {note}" for what, note in dict.fromkeys(noted)]
            lines += [f"{host.host}: {error}" for error in host.cleanup_errors]
        lines += [f"{host}: its child was not disposed of: {error}" for host, error in self.cleanup_errors.items()]
        return lines

    def to_frame(self) -> Any:
        """A pandas DataFrame with a row for each measurement; PagletError where pandas is not installed."""
        try:
            pandas = importlib.import_module("pandas")
        except ImportError as error:
            raise PagletError("frames need pandas; install it with: pip install 'paglets_nb[plots]'") from error
        rows = [
            {"host": host.host, "machine": host.machine, "label": entry.label, **dataclasses.asdict(entry)}
            for host in self.hosts
            for entry in host.measurements
        ]
        columns = ["host", "machine", "label", *(field.name for field in dataclasses.fields(Measurement))]
        return pandas.DataFrame(rows, columns=columns)

    def plot(self) -> Plot:
        """Bars of every measure, host by host, each measure on a scale of its own."""
        alt = altair()
        values = [
            {
                "measure": f"{row}, {entry.counted}/s",
                "host": host.host,
                "rate": entry.rate_per_second,
                "said": entry.rate,
            }
            for row, found in self.rows()
            for host, entry in zip(self.hosts, found, strict=True)
            if entry is not None
        ]
        titles = list(dict.fromkeys(value["measure"] for value in values))
        chart = (
            alt.Chart(alt.Data(values=values), width=200, height=18 * max(1, len(self.hosts)))
            .mark_bar()
            .encode(
                x=alt.X("rate:Q", title=None, axis=alt.Axis(format="~s", tickCount=4)),
                y=alt.Y("host:N", title=None),
                color=alt.Color("host:N", legend=None),
                tooltip=["host:N", "said:N"],
            )
            .facet(facet=alt.Facet("measure:N", title=None, sort=titles), columns=3)
            .resolve_scale(x="independent")
        )
        return Plot(chart, self._table())

    def _table(self) -> str:
        rows = [(row, *(entry.rate if entry else "" for entry in found)) for row, found in self.rows()]
        return aligned(["measure", *(host.host for host in self.hosts)], rows)

    def headline(self) -> str:
        """How far it is, in one line."""
        states = [f"{host.host} {host.state}" for host in self.hosts]
        ending = "stopped" if self.cancelled else "done" if self.done else "running"
        took = f" in {self.elapsed_seconds:.1f} s" if self.done else ""
        count = len(self.hosts)
        return f"performance of {count} host{'s' * (count != 1)}, {ending}{took}: {', '.join(states) or 'none'}"

    def __repr__(self) -> str:
        return "\n".join([self.headline(), *([self._table()] if self.labels() else []), *self.remarks()])
