"""What draining events costs: wherever in the log they are, and how many a second pass.

Run as ``python -m tests.benchmarks.drains``; ends with status 1 when a promise is broken.
The events are those of paglets on a kernel host, each a number and a line of text; the
reader iterates over them one by one.
"""

from __future__ import annotations

import itertools
import statistics
import sys
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from paglets_nb import CursorDrainMixin, Mesh, OperationClient, OperationPaglet, PagletProxy, ServiceOperation, drain
from paglets_nb.patterns.cursor_drain import CURSOR_DRAIN, CursorDrainRequest, CursorDrainState
from tests.benchmarks.command import Say, command
from tests.benchmarks.measure import Batch, Effort, interleave, ratio
from tests.benchmarks.placement import CORES, pinned
from tests.benchmarks.report import Promise, Report, Row, microseconds, rate

PART, FEW, MANY = 1_000, 1_000, 1_000_000
SAME = 1.25
"""Times as much that still counts as the same: two equal contenders differ by less."""
EVENTS_A_SECOND = 200_000
EVENT_BY_EVENT, BY_LIST = "events one by one", "events by the list"


@dataclass(frozen=True)
class Fill:
    """How many events to keep."""

    count: int


@dataclass(frozen=True)
class Filled:
    """The last one's number."""

    cursor: int = 0


FILL = ServiceOperation("fill", Fill, Filled)


class Recorder(CursorDrainMixin, OperationPaglet[CursorDrainState]):
    """Keeps events."""

    State = CursorDrainState
    Drain = CURSOR_DRAIN

    def operation_handlers(self) -> Mapping[ServiceOperation, Callable[[Any], Any]]:
        """To make events, and to drain them."""
        return {FILL: self.fill, CURSOR_DRAIN: self.cursor_drain}

    def fill(self, request: Fill) -> Filled:
        """Make events."""
        numbers = range(request.count)
        return Filled(self.cursor_append_events({"number": number, "line": "what happened"} for number in numbers))


class Parts:
    """Drains the same number of events at one place of a log, again and again."""

    def __init__(self, proxy: PagletProxy, after_cursor: int) -> None:
        self._client = OperationClient(proxy)
        self._request = CursorDrainRequest(after_cursor, PART)

    def batch(self, drains: int) -> None:
        """Drain ``drains`` times."""
        after = self._request.after_cursor
        for _ in range(drains):
            reply = self._client.call(CURSOR_DRAIN, self._request)
            if (len(reply.events), reply.events[0]["cursor"]) != (PART, after + 1):
                raise RuntimeError(f"{len(reply.events)} events came, not {PART} behind {after}")


class Whole:
    """Reads a whole log."""

    def __init__(self, proxy: PagletProxy) -> None:
        self._proxy = proxy

    def one_by_one(self, events: int) -> None:
        """Iterate over the first ``events`` of them."""
        found = itertools.islice(drain(self._proxy, follow=False), events)
        self._check(events, deque(found, maxlen=1)[0]["cursor"])

    def by_list(self, events: int) -> None:
        """The same, a list at a time."""
        for found in drain(self._proxy, follow=False).batches():
            if (last := found[-1]["cursor"]) >= events:
                break
        self._check(events, last)

    def _check(self, wanted: int, last: int) -> None:
        if last != wanted:
            raise RuntimeError(f"the last event was {last}, not {wanted}")


def run(effort: Effort, *, say: Say, many: int = MANY, events: int = 100_000) -> Report:
    """Measure.

    Args:
        effort: ``effort.calls`` drains of ``PART`` events are a batch.
        say: told what is being measured.
        many: events that lie before, or behind, those that are drained.
        events: read at once where their rate is measured.
    """
    report = Report(
        f"Drains, median of {effort.rounds} interleaved rounds; {len(CORES)} cores, Python {sys.version.split()[0]}"
    )
    with Mesh(["alpha"]) as mesh:
        say(f"making {many:,} events")
        short, long = (mesh.create(Recorder, on="alpha") for _ in range(2))
        for proxy, count in ((short, FEW), (long, many)):
            OperationClient(proxy).call(FILL, Fill(count + PART), timeout=60.0)
        behind_few, behind_many = f"{PART:,} events behind {FEW:,}", f"{PART:,} events behind {many:,}"
        before_many = f"{PART:,} events with {many:,} to come"
        parts: dict[str, Batch] = {
            behind_few: Parts(short, FEW).batch,
            behind_many: Parts(long, many).batch,
            before_many: Parts(long, 0).batch,
        }
        whole = Whole(long)
        wholes: dict[str, Batch] = {EVENT_BY_EVENT: whole.one_by_one, BY_LIST: whole.by_list}
        reading = Effort(effort.rounds, 1, events)
        say("drains")
        spread = interleave(parts, effort) | interleave(wholes, reading)
        with pinned([mesh["alpha"].pid]):
            alone = interleave(parts, effort) | interleave(wholes, reading)
    report.facts.update({"one_core": alone, "all_cores": spread})
    for name in parts:
        times = (microseconds(statistics.median(figures[name])) for figures in (alone, spread))
        report.rows.append(Row(name, *times, f"{ratio(alone, name, behind_few):.2f}x the first"))
    for name in wholes:
        report.rows.append(Row(name, *(rate(statistics.median(figures[name])) for figures in (alone, spread))))
    for name in (behind_many, before_many):
        times_as_much = ratio(alone, name, behind_few)
        promise = f"{name} cost at most {SAME}x those behind {FEW:,}"
        report.promises.append(Promise(promise, f"{times_as_much:.2f}x", times_as_much <= SAME))
    reached = 1 / statistics.median(alone[EVENT_BY_EVENT])
    report.promises.append(
        Promise(
            f"{EVENTS_A_SECOND:,} events a second through a drain, one core",
            f"{reached:,.0f}/s",
            reached >= EVENTS_A_SECOND,
        )
    )
    return report


def benchmark(quick: bool, say: Say) -> Report:
    """Everything, or less of it; a million events either way."""
    return run(Effort(batches=1 if quick else 3, calls=20 if quick else 50), say=say)


if __name__ == "__main__":
    sys.exit(command("drains", __doc__, benchmark))
