from __future__ import annotations

from typing import Any

from paglets_nb.experiments.stopwatch import LEAST, MIME, measure, tell


def test_loops_are_chosen_as_timeit_does() -> None:
    """So many that a repetition takes long enough, from the series 1, 2, 5, 10, ..."""
    found = measure("sum(numbers)", {"numbers": range(20_000)}, repeat=2)
    assert str(found["loops"]).rstrip("0") in ("1", "2", "5")
    assert len(found["times"]) == 2
    assert found["loops"] * max(found["times"]) > LEAST / 4


def test_the_first_run_warms_up() -> None:
    """It is timed apart, and what follows runs as often as was asked for."""
    calls: list[int] = []
    found = measure("calls.append(1)", {"calls": calls}, loops=3, repeat=4)
    assert len(calls) == 1 + 3 * 4
    assert found["loops"] == 3
    assert found["first"] > 0


def test_the_times_are_an_output() -> None:
    """Displayed as data that only the asker reads."""
    shown: list[Any] = []
    tell("1", {}, lambda data, raw: shown.append((data, raw)), 1, 2)
    ((data, raw),) = shown
    assert raw
    assert len(data[MIME]["times"]) == 2
