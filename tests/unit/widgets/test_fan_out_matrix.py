from __future__ import annotations

from array import array
from typing import Any

from paglets_nb.experiments.cells import FAILED, NOT_RUN, RUNNING, UNKNOWN, Cell
from paglets_nb.experiments.grid import cells_of
from paglets_nb.widgets.fan_out_matrix import EMPTY, STATES, Matrix


def made(grid: Any, hosts: list[str], repeat: int = 1, placement: str = "every") -> tuple[Matrix, list[Cell]]:
    """A matrix and its cells, none of them begun."""
    cells, _given = cells_of(grid, hosts, repeat, placement)
    return Matrix(cells, [cell.host for cell in cells]), cells


def changed(matrix: Matrix) -> list[tuple[int, str, float]]:
    """What has changed, by place."""
    delta = matrix.changes()
    times = array("f", delta.times)
    return [
        (place, STATES[state], round(times[index], 4))
        for index, (place, state) in enumerate(zip(array("I", delta.places), delta.states, strict=True))
    ]


def test_requests_are_rows_and_hosts_are_columns() -> None:
    """With a column for each repetition; labels name what varies."""
    matrix, cells = made({"n": [1, 2, 3], "same": 0}, ["alpha", "beta"], 2)
    assert matrix.rows == ["n=1", "n=2", "n=3"]
    assert matrix.columns == ["alpha 1", "alpha 2", "beta 1", "beta 2"]
    for place in range(matrix.size):
        cell = matrix.cell_at(place)
        assert cell is not None
        assert matrix.rows[place // 4] == f"n={cell.fields['n']}"
        assert matrix.columns[place % 4] == f"{cell.host} {cell.repeat + 1}"
    assert len(cells) == matrix.size


def test_where_hosts_take_what_comes_the_last_axis_makes_the_columns() -> None:
    """And where there is one axis only, each request is a row."""
    matrix, _cells = made({"n": [1, 2], "m": [3, 4, 5]}, ["alpha", "beta"], placement="spread")
    assert (matrix.rows, matrix.columns) == (["n=1", "n=2"], ["m=3", "m=4", "m=5"])
    single, _cells = made({"n": [1, 2, 3]}, ["alpha", "beta"], placement="pinned")
    assert (single.rows, single.columns) == (["n=1", "n=2", "n=3"], ["cell"])
    alone, _cells = made(None, ["alpha"])
    assert (alone.rows, alone.columns) == (["all"], ["alpha"])


def test_requests_that_are_no_product_leave_places_empty() -> None:
    """Which have no cell and no state."""
    requests = [{"n": 1, "m": 1}, {"n": 1, "m": 2}, {"n": 2, "m": 1}]
    matrix, _cells = made(requests, ["alpha", "beta"], placement="spread")
    assert (matrix.rows, matrix.columns) == (["n=1", "n=2"], ["m=1", "m=2"])
    assert matrix.whole()["states"] == bytes([0, 0, 0, EMPTY])
    assert matrix.cell_at(3) is None
    assert matrix.details(3) == ("", "")
    scattered, _cells = made([{"n": n, "m": n} for n in range(9)], ["alpha", "beta"], placement="spread")
    assert (len(scattered.rows), len(scattered.columns)) == (9, 1)


def test_only_what_changed_is_told() -> None:
    """Once, also when a cell is run again and ends in the same way."""
    matrix, cells = made({"n": [1, 2]}, ["alpha", "beta"])
    assert changed(matrix) == []
    cells[0].state = RUNNING
    assert changed(matrix) == [(0, "running", -1.0)]
    cells[0].succeed(1, 0.5, 0.25)
    cells[3].fail(FAILED, ValueError("no"), 0.125)
    assert changed(matrix) == [(0, "ok", 0.25), (3, "failed", 0.125)]
    assert changed(matrix) == []
    cells[3].reset()
    cells[3].fail(FAILED, ValueError("no"), 0.375)
    assert changed(matrix) == [(3, "failed", 0.375)]
    assert matrix.whole()["states"] == bytes([2, 0, 0, 3])


def test_ten_thousand_cells_cost_their_changes_only() -> None:
    """What a page is sent grows with what has changed, not with the grid."""
    matrix, cells = made({"n": list(range(5000))}, ["alpha", "beta"])
    for cell in cells[:7]:
        cell.succeed(None, 0.1, None)
    delta = matrix.changes()
    assert len(delta) == 7
    assert len(delta.places) + len(delta.states) + len(delta.times) == 7 * 9


def test_details_tell_where_and_what() -> None:
    """The reply, or the error with the traceback from its host."""
    matrix, cells = made({"n": [1]}, ["alpha", "beta"], 2)
    cells[0].succeed({"a": 1}, 0.5, 0.25)
    error: Any = ValueError("no")
    error.remote_traceback = "Traceback: line 7"
    cells[1].fail(UNKNOWN, error)
    cells[1].attempts = 2
    assert matrix.details(0) == ("n=1, on alpha, repetition 1, ok after 250 ms", "{'a': 1}")
    where, text = matrix.details(2)
    assert where == "n=1, on beta, repetition 1, unknown, sent 2 times"
    assert text == "ValueError: no\n\nTraceback: line 7"


def test_its_pictures_are_bounded_and_escaped() -> None:
    """Colours and times in the one, signs in the other."""
    matrix, cells = made({"n": ["<b>", *range(99)]}, [f"host{number}" for number in range(30)])
    cells[0].succeed(1, 0.5, None)
    cells[1].fail(FAILED, ValueError("'<i>'"))
    shown = matrix.html()
    assert shown.startswith("<div style='max-width:100%;overflow-x:auto;white-space:nowrap'><table>")
    assert "n=&lt;b&gt;" in shown
    assert "<b>" not in shown
    assert ">500 ms</td>" in shown
    assert "title='ValueError: &#x27;&lt;i&gt;&#x27;'" in shown
    assert "and 60 more rows and 6 more columns" in shown
    assert len(shown) < 300_000
    lines = matrix.text().splitlines()
    assert lines[0] == "n=<b>  +x" + "." * 22
    assert len(lines) == 42


def test_what_was_not_run_is_no_failure() -> None:
    """It has a word, a sign and a quiet colour of its own, in the page and in the pictures."""
    matrix, cells = made({"n": [1, 2]}, ["alpha", "beta"])
    assert "not run" not in matrix.text()
    cells[1].fail(NOT_RUN, ValueError("cancelled; it was never sent"))
    assert changed(matrix) == [(1, "not run", -1.0)]
    assert matrix.text() == "n=1  .-\nn=2  ..\n(. waiting, ~ running, + ok, x failed, ? unknown, - not run)"
    assert "rgba(128,128,128,.12)' title='ValueError: cancelled; it was never sent'>not run</td>" in matrix.html()
    assert matrix.details(1)[0] == "n=1, on beta, not run"
