from __future__ import annotations

import pytest

from paglets_nb.errors import ExperimentError
from paglets_nb.experiments.cells import FAILED, UNKNOWN, Cell
from paglets_nb.experiments.results import Results
from tests.unit.experiments.conftest import done


@pytest.fixture
def results() -> Results:
    """Two sizes on two hosts, ten times; beta takes twice as long; one failed and one is unknown."""
    cells: list[Cell] = []
    for repeat in range(10):
        for size in (1, 2):
            for factor, host in ((1, "alpha"), (2, "beta")):
                cells.append(done(len(cells), size * factor * (1 + repeat / 100), host, size=size))
    cells.append(Cell(len(cells), {"size": 1}, 10, "alpha"))
    cells[-1].fail(FAILED, KeyError("x"))
    cells.append(Cell(len(cells), {"size": 1}, 10, "beta"))
    cells[-1].fail(UNKNOWN, TimeoutError("late"))
    return Results("Model.fit", cells, 3.0)


def test_a_summary_has_a_row_for_each_group(results: Results) -> None:
    """Counts, median, spread and interval of the time that the handlers ran."""
    table = results.summary()
    assert [(row["size"], row["host"], row["ok"], row["failed"], row["unknown"]) for row in table] == [
        (1, "alpha", 10, 1, 0),
        (1, "beta", 10, 0, 1),
        (2, "alpha", 10, 0, 0),
        (2, "beta", 10, 0, 0),
    ]
    assert table[1]["median"] == pytest.approx(2.09)
    assert table[1]["low"] <= table[1]["median"] <= table[1]["high"]
    assert table[1]["confidence"] == pytest.approx(0.978, abs=0.001)
    assert "times: run" in repr(table)
    assert [row["median"] for row in results.summary("size", time="total")] == pytest.approx([3.06, 6.12], rel=0.05)


def test_what_cannot_be_said_is_left_out() -> None:
    """One value has no spread and no interval, none has no median."""
    lonely = Cell(1, {}, host="beta")
    lonely.fail(FAILED, KeyError("x"))
    first, second = Results("f", [done(0, 1.0), lonely]).summary()
    assert (first["median"], first["spread"], first["confidence"]) == (1.0, None, None)
    assert second["median"] is None


def test_groups_are_by_host_only_where_hosts_can_be_compared() -> None:
    """Requests that were spread over hosts are summed up without them."""
    spread = Results("f", [done(0, 1.0, "alpha", n=1), done(1, 1.0, "beta", n=2)])
    assert spread.summary().columns[0] == "n"
    assert "host" not in spread.summary().columns
    assert [row["host"] for row in spread.summary("host")] == ["alpha", "beta"]
    with pytest.raises(ExperimentError, match="no 'hosts' to group by \\(there are: n, host\\)"):
        spread.summary("hosts")
    with pytest.raises(ExperimentError, match="'wall' is no time"):
        spread.summary(time="wall")


def test_a_comparison_is_a_ratio_with_its_interval(results: Results) -> None:
    """Twice as long is told as such, and only where both have the group."""
    slower = Results("new", [done(n, 2.0 * (1 + n / 100), "alpha", size=1) for n in range(10)])
    (row,) = slower.compare(results, ["size", "host"])
    assert row["ratio"] == pytest.approx(2.0)
    assert row["low"] <= 2.0 <= row["high"]
    assert row["differs"]
    assert not results.compare(results)[0]["differs"]
    with pytest.raises(ExperimentError, match="nothing to compare"):
        Results("other", [done(0, 1.0, "delta", size=1)]).compare(results, "host")


def test_counts_values_and_errors(results: Results) -> None:
    """Each cell is found by how it ended, and errors are counted."""
    assert results.counts == {"ok": 40, "failed": 1, "unknown": 1}
    assert (len(results.ok), len(results.failed), len(results.unknown), len(results)) == (40, 1, 1, 42)
    assert results.values[0] == 0
    assert results.values[-1] is None
    assert results.done
    assert results.errors == [(1, "failed", "KeyError: 'x'"), (1, "unknown", "TimeoutError: late")]
    assert repr(results).splitlines()[:2] == [
        "Model.fit: 42 cells, 40 ok, 1 failed, 1 unknown, 3 s",
        "1x failed: KeyError: 'x'",
    ]


def test_the_frame_has_a_row_for_each_cell(results: Results) -> None:
    """With the fields and every time as columns."""
    frame = results.to_frame()
    assert len(frame) == 42
    assert list(frame.columns)[:5] == ["cell", "size", "host", "repeat", "state"]
    assert frame["run"][1] == pytest.approx(2.0)
    assert (frame["queued"] + frame["run"] - frame["total"]).abs().max() == pytest.approx(0.0)


def test_fields_that_are_no_keys_are_grouped_all_the_same() -> None:
    """Lists and dicts as values of fields."""
    results = Results("f", [done(0, 1.0, words=["a"]), done(1, 1.0, words=["b"]), done(2, 1.0, words=["a"])])
    assert [row["ok"] for row in results.summary("words")] == [2, 1]
