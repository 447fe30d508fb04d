from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from paglets_nb import FanOut
from paglets_nb.errors import ExperimentError
from paglets_nb.testing import wait_until
from paglets_nb.widgets.fan_out_runs import MAX_RUNS, FanOutRuns
from tests.unit.experiments.conftest import Adder, LocalMesh


class Watched:
    """Runs, and how often they said that something changed."""

    def __init__(self, mesh: LocalMesh) -> None:
        self.mesh = mesh
        self.changes = 0
        self.runs = FanOutRuns(self._changed)

    def _changed(self) -> None:
        self.changes += 1

    def make(self, **grid: Any) -> FanOut:
        """A fan-out."""
        return FanOut(self.mesh, Adder, "add", grid, timeout=30.0)

    def run(self, **grid: Any) -> FanOut:
        """Run one to its end."""
        self.runs.start(lambda: self.make(**grid))
        assert self.runs.wait(10)
        current = self.runs.current
        assert current is not None
        return current.fan_out


@pytest.fixture
def watched(mesh: LocalMesh) -> Iterator[Watched]:
    """Runs over a mesh of two hosts."""
    made = Watched(mesh)
    yield made
    made.runs.close()
    assert made.runs.wait(10)


def test_a_run_goes_on_in_the_background(watched: Watched, gate: threading.Event) -> None:
    """It is made there too; changes are told while it runs; a second one is refused meanwhile."""
    caller, made_in = threading.current_thread(), []

    def make() -> FanOut:
        made_in.append(threading.current_thread())
        return watched.make(by=[1, 2], gate="gate")

    watched.runs.start(make)
    assert watched.runs.busy
    with pytest.raises(ExperimentError, match="runs already"):
        watched.runs.start(make)
    wait_until(lambda: watched.runs.current is not None and watched.runs.current.fan_out.counts.get("running") == 2)
    before = watched.changes
    wait_until(lambda: watched.changes > before + 1)
    gate.set()
    assert watched.runs.wait(10)
    assert made_in[0] is not caller
    assert watched.runs.current is not None
    assert watched.runs.current.fan_out.counts == {"ok": 4}
    assert "4 ok" in watched.runs.current.label


def test_a_cancelled_run_keeps_what_has_come(watched: Watched, gate: threading.Event) -> None:
    """The rest has failed, or is not known."""
    watched.runs.start(lambda: watched.make(gate=["", "gate"]))
    wait_until(lambda: watched.runs.current is not None and watched.runs.current.fan_out.counts.get("ok") == 2)
    watched.runs.cancel()
    assert watched.runs.wait(10)
    assert watched.runs.current is not None
    assert watched.runs.current.fan_out.counts == {"ok": 2, "unknown": 2}


def test_a_run_that_is_cancelled_before_it_begins_sends_nothing(watched: Watched) -> None:
    """Also where it is still being made."""
    going = threading.Event()

    def make() -> FanOut:
        going.wait(10)
        return watched.make(by=[1])

    watched.runs.start(make)
    watched.runs.cancel()
    going.set()
    assert watched.runs.wait(10)
    assert watched.runs.current is not None
    assert watched.runs.current.fan_out.counts == {"waiting": 2}


def test_what_failed_is_run_again(watched: Watched) -> None:
    """And only that."""
    with pytest.raises(ExperimentError, match="nothing has been run"):
        watched.runs.retry()
    fan_out = watched.run(fail=[False, True])
    assert fan_out.counts == {"ok": 2, "failed": 2}
    watched.runs.retry()
    assert watched.runs.wait(10)
    assert [cell.attempts for cell in fan_out.cells] == [1, 1, 2, 2]
    assert len(watched.runs.kept) == 1


def test_runs_are_kept_and_compared(watched: Watched) -> None:
    """The last twelve of them."""
    watched.run(by=[1, 2])
    watched.run(by=[1, 3])
    table = watched.runs.compare(1)
    assert {row["by"] for row in table} == {1}
    with pytest.raises(ExperimentError, match="run 7 is not kept \\(runs: 1, 2\\)"):
        watched.runs.compare(7)
    for _ in range(MAX_RUNS):
        watched.run()
    assert [run.number for run in watched.runs.kept] == list(range(3, MAX_RUNS + 3))


def test_what_cannot_be_made_is_told(watched: Watched) -> None:
    """And the next one runs."""
    watched.runs.start(lambda: FanOut(watched.mesh, Adder, "no"))
    assert watched.runs.wait(10)
    assert "no operation 'no'" in str(watched.runs.error)
    watched.run(by=[1])
    assert watched.runs.error is None


def test_somebody_elses_run_is_followed(watched: Watched, gate: threading.Event) -> None:
    """From before it begins until it has ended; closing does not end it."""
    fan_out = watched.make(gate=["gate"])
    watched.runs.follow(fan_out)
    assert watched.runs.busy
    fan_out.start()
    wait_until(lambda: fan_out.counts.get("running") == 2)
    assert watched.runs.busy
    watched.runs.close()
    assert watched.runs.wait(5)
    gate.set()
    assert fan_out.wait(10)
    assert fan_out.counts == {"ok": 2}
    with pytest.raises(ExperimentError, match="closed"):
        watched.runs.start(lambda: fan_out)


def test_a_retry_from_elsewhere_is_followed(watched: Watched, gate: threading.Event) -> None:
    """Such as one in a cell; of an earlier one nothing is."""
    earlier = watched.run(fail=[True])
    fan_out = watched.make(gate=["gate"])
    watched.runs.start(lambda: fan_out)
    wait_until(lambda: fan_out.counts.get("running") == 2)
    watched.runs.cancel()
    assert watched.runs.wait(10)
    thread = threading.Thread(target=lambda: fan_out.retry_failed(unknown=True))
    thread.start()
    wait_until(lambda: watched.runs.busy)
    gate.set()
    thread.join(10)
    assert watched.runs.wait(10)
    assert fan_out.counts == {"ok": 2}
    assert len(watched.runs.kept) == 2
    earlier.retry_failed()
    assert not watched.runs.busy


def test_the_end_of_a_run_can_be_told(watched: Watched) -> None:
    """By who runs it, so that nobody waits for the next look."""
    fan_out = watched.make()
    watched.runs.follow(fan_out)
    watched.runs.followed()
    assert watched.runs.wait(5)
    assert not fan_out.done


def test_closing_ends_what_was_started(watched: Watched, gate: threading.Event) -> None:
    """Nobody could cancel it any more."""
    watched.runs.start(lambda: watched.make(gate=["gate"]))
    wait_until(lambda: watched.runs.current is not None and watched.runs.current.fan_out.counts.get("running") == 2)
    watched.runs.close()
    assert watched.runs.wait(10)
    assert watched.runs.current is not None
    assert watched.runs.current.fan_out.counts == {"unknown": 2}
