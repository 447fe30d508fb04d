"""What can be said of times without a kernel; with kernels see the magic's tests."""

from __future__ import annotations

import pytest

from paglets_nb.errors import ExperimentError, UnknownHostError
from paglets_nb.experiments.cells import Cell
from paglets_nb.experiments.timing import Timings, time_code
from tests.unit.experiments.conftest import LocalMesh


def timed(number: int, host: str, seconds: float) -> Cell:
    """One repetition."""
    cell = Cell(number, {}, number, host)
    cell.succeed({"loops": 10, "first": 1.0}, seconds, seconds)
    return cell


def test_hosts_are_compared_with_the_fastest() -> None:
    """One that takes twice as long says so, with the interval of the ratio."""
    cells = [
        timed(n, host, factor * (1 + n / 100)) for host, factor in (("alpha", 2.0), ("beta", 1.0)) for n in range(7)
    ]
    timings = Timings("time", cells, 4.0)
    assert timings.fastest == "beta"
    slow, fast = timings.comparison()
    assert slow["ratio"] == pytest.approx(2.0)
    assert slow["low"] <= 2.0 <= slow["high"]
    assert (fast["ratio"], fast["low"], fast["best"]) == (1.0, None, 1.0)
    assert timings.headline() == "time on 2 hosts, 4 s"


def test_what_cannot_be_timed_is_told(mesh: LocalMesh) -> None:
    """Before anything is run."""
    with pytest.raises(ExperimentError, match="repeat is 1 to"):
        time_code(mesh, "1", repeat=0)
    with pytest.raises(UnknownHostError, match="no host 'delta'"):
        time_code(mesh, "1", ["delta"])
