"""What a search over the mesh costs beside plain ``rg`` on the same tree.

Run as ``python -m tests.benchmarks.search``; ends with status 1 when a promise is broken.
The tree is Python's own installed packages, read from memory. Both sides read every result
to its end: ``rg`` into this process through a pipe, ours as hits through a drain.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import sysconfig
import time
from dataclasses import dataclass
from pathlib import Path

from paglets_nb import Mesh
from paglets_nb.agents.search import grep
from paglets_nb.agents.search_process import find_ripgrep
from tests.benchmarks.command import Say, command
from tests.benchmarks.measure import Batch, Effort, interleave, ratio
from tests.benchmarks.placement import CORES, pinned
from tests.benchmarks.report import Promise, Report, Row

LIMIT = 1.5
FIRST_HIT = 0.1
WHOLE_TREE = Path(sysconfig.get_path("purelib"))


@dataclass(frozen=True)
class Sought:
    """A pattern, and what is promised for it.

    Attributes:
        promised: the ratio is a promise, not only a figure.
    """

    label: str
    pattern: str
    promised: bool = True


PATTERNS = (
    Sought("few hits", "TemporaryDirectory"),
    Sought("thousands of hits", "raise ValueError"),
    Sought("tens of thousands", "def __init__", promised=False),
)


def rows_of(pattern: str, tree: Path) -> int:
    """Plain ``rg``, with line numbers and columns; how many lines it gave."""
    options = ["--no-config", "--line-number", "--column", "--regexp", pattern, "--", str(tree)]
    done = subprocess.run([find_ripgrep(), *options], stdin=subprocess.DEVNULL, capture_output=True, check=False)
    return done.stdout.count(b"\n")


class Searches:
    """One pattern searched for in both ways."""

    def __init__(self, mesh: Mesh, pattern: str, tree: Path) -> None:
        self._mesh, self._pattern, self._tree = mesh, pattern, tree
        self.found = rows_of(pattern, tree)
        self.first: list[float] = []

    def plain(self, times: int) -> None:
        """``rg`` alone."""
        for _ in range(times):
            if rows_of(self._pattern, self._tree) != self.found:
                raise RuntimeError(f"the tree {self._tree} changed while it was searched")

    def ours(self, times: int) -> None:
        """Over the mesh, on one host."""
        for _ in range(times):
            began = time.perf_counter()
            search = grep(self._mesh, self._pattern, str(self._tree), targets=["alpha"])
            next(search.batches())
            self.first.append(time.perf_counter() - began)
            if len(search.wait()) != self.found:
                raise RuntimeError(f"{len(search)} hits came, not {self.found}")


def milliseconds(seconds: float) -> str:
    """A time for people."""
    return f"{seconds * 1e3:,.1f} ms"


def run(effort: Effort, *, say: Say, tree: Path = WHOLE_TREE) -> Report:
    """Measure.

    Args:
        effort: ``effort.calls`` searches are a batch.
        say: told what is being measured.
        tree: what is searched.
    """
    report = Report(
        f"Search, median of {effort.rounds} interleaved rounds; {len(CORES)} cores, Python {sys.version.split()[0]}"
    )
    with Mesh(["alpha"]) as mesh:
        searches = {sought.label: Searches(mesh, sought.pattern, tree) for sought in PATTERNS}
        contenders: dict[str, Batch] = {}
        for label, each in searches.items():
            contenders |= {f"rg, {label}": each.plain, f"mesh, {label}": each.ours}
        say("searches")
        spread = interleave(contenders, effort)
        first_spread = {label: each.first[:] for label, each in searches.items()}
        with pinned([mesh["alpha"].pid]):
            alone = interleave(contenders, effort)
    report.facts.update({"one_core": alone, "all_cores": spread})
    for sought in PATTERNS:
        label, found = sought.label, searches[sought.label].found
        plain, ours = f"rg, {label}", f"mesh, {label}"
        ratios = [ratio(figures, ours, plain) for figures in (alone, spread)]
        for name, note in ((plain, f"{found:,} lines"), (ours, f"{ratios[0]:.2f}x, {ratios[1]:.2f}x on all cores")):
            times = (milliseconds(statistics.median(figures[name])) for figures in (alone, spread))
            report.rows.append(Row(name, *times, note))
        if sought.promised:
            worst = max(ratios)
            promise = f"a search with {label} takes at most {LIMIT}x plain rg"
            report.promises.append(Promise(promise, f"{worst:.2f}x", worst <= LIMIT))
        firsts = searches[label].first
        times = (milliseconds(statistics.median(some)) for some in (firsts[len(first_spread[label]) :], firsts))
        report.rows.append(Row(f"first hits, {label}", *times))
    many = [each.first for each in searches.values() if each is not searches[PATTERNS[0].label]]
    slowest = max(statistics.median(first) for first in many)  # few are there when rg has found the first
    promise = f"the first of many hits is there within {FIRST_HIT * 1e3:.0f} ms"
    report.promises.append(Promise(promise, milliseconds(slowest), slowest <= FIRST_HIT))
    return report


def benchmark(quick: bool, say: Say) -> Report:
    """Everything, or less of it."""
    return run(Effort(rounds=3 if quick else 7, batches=1 if quick else 3, calls=1), say=say)


if __name__ == "__main__":
    sys.exit(command("search", __doc__, benchmark))
