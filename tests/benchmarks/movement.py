"""What a hop costs, beside a typed call in the same run.

Run as ``python -m tests.benchmarks.movement``; ends with status 1 when a promise is broken.
A hop is the whole of ``proxy.dispatch``: the order to the source, the paglet's hooks, its
preparation at the target, the commit and its activation over there, one after the other
three round trips between three processes, all of them on one core. Where the processes lie
in memory, which is drawn by lot when they start, puts up to a sixth on it; so each round
has a mesh of its own.
"""

from __future__ import annotations

import itertools
import statistics
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from paglets_nb import Mesh, OperationClient, PagletProxy
from tests.benchmarks.command import Say, command
from tests.benchmarks.measure import Batch, Effort, Figures, add_figures, interleave, ratio
from tests.benchmarks.placement import CORES, pinned
from tests.benchmarks.report import Promise, Report, Row, microseconds
from tests.benchmarks.workload import ADD, NOTE, Add, Counter

CALL, HOP, HOP_AND_CALL, CLONE = "typed call", "hop", "hop, then a typed call", "clone to the other host"
HOSTS = ("alpha", "beta")
LIMIT = 10.0


class Traveller:
    """A paglet that is sent to and fro, and another that stays."""

    def __init__(self, mesh: Mesh) -> None:
        self._request = Add(1, NOTE)
        self._resting = OperationClient(mesh.create(Counter, on=HOSTS[0]))
        self._proxy = mesh.create(Counter, on=HOSTS[0])
        self._client = OperationClient(self._proxy)
        self._targets = itertools.cycle(reversed(HOSTS))
        self._calls = 0

    def calls(self, count: int) -> None:
        """Call the paglet that stays."""
        call, request = self._resting.call, self._request
        for _ in range(count):
            call(ADD, request)

    def hops(self, count: int) -> None:
        """Send the paglet to the other host, each time."""
        dispatch = self._proxy.dispatch
        for _ in range(count):
            dispatch(next(self._targets))

    def hops_and_calls(self, count: int) -> None:
        """The same, and call it there; RuntimeError when its state did not come along."""
        for _ in range(count):
            self._proxy.dispatch(next(self._targets))
            self._calls += 1
            if (total := self._client.call(ADD, self._request)).calls != self._calls:
                raise RuntimeError(f"call {self._calls} was counted as {total.calls}")

    def clones(self, count: int) -> None:
        """Clone the paglet to the other host, and end the clones."""
        made: list[PagletProxy] = [self._proxy.clone(HOSTS[1]) for _ in range(count)]
        for clone in made:
            clone.dispose()


CONTENDERS: dict[str, Callable[[Traveller, int], None]] = {
    CALL: Traveller.calls,
    HOP: Traveller.hops,
    HOP_AND_CALL: Traveller.hops_and_calls,
    CLONE: Traveller.clones,
}


def on_a_mesh(effort: Effort, spread: Figures, alone: Figures) -> None:
    """A round on a mesh of its own; its figures, on every core and on one, are added to the others."""
    with Mesh(list(HOSTS)) as mesh:
        traveller = Traveller(mesh)
        contenders: dict[str, Batch] = {name: partial(batch, traveller) for name, batch in CONTENDERS.items()}
        add_figures(spread, interleave(contenders, effort))
        with pinned([mesh[name].pid for name in HOSTS]):
            add_figures(alone, interleave(contenders, effort))


def run(effort: Effort, *, say: Say) -> Report:
    """Measure; a hop costs so much more than a call that ``effort.calls`` is for both."""
    report = Report(
        f"Hops, median of {effort.rounds} interleaved rounds; {len(CORES)} cores, Python {sys.version.split()[0]}"
    )
    spread: Figures = {}
    alone: Figures = {}
    say(f"hops and calls, on {effort.rounds} meshes in turn")
    for _round in range(effort.rounds):
        on_a_mesh(replace(effort, rounds=1), spread, alone)
    report.facts.update({"one_core": alone, "all_cores": spread})
    for name in CONTENDERS:
        note = f"{ratio(alone, name, CALL):.1f}x a call, {ratio(spread, name, CALL):.1f}x on all cores"
        if name == CLONE:
            note += ", its end included"
        times = (microseconds(statistics.median(figures[name])) for figures in (alone, spread))
        report.rows.append(Row(name, *times, "" if name == CALL else note))
    hop = ratio(alone, HOP, CALL)
    report.promises.append(
        Promise(f"hop of an in-memory paglet at most {LIMIT:.0f}x a typed call", f"{hop:.1f}x", hop <= LIMIT)
    )
    return report


def benchmark(quick: bool, say: Say) -> Report:
    """Everything, or less of it."""
    return run(Effort(batches=1 if quick else 3, calls=200 if quick else 500), say=say)


if __name__ == "__main__":
    sys.exit(command("movement", __doc__, benchmark))
