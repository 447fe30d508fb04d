from __future__ import annotations

import math
import sys

import pytest

from paglets_nb.experiments.table import MAX_ROWS, Table, quantity


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (12.34, "12.3 s"),
        (0.0123, "12.3 ms"),
        (1.5e-5, "15 us"),
        (2e-9, "2 ns"),
        (0.0, "0 s"),
        (1234.5, "1234 s"),
        (None, ""),
        (math.nan, ""),
    ],
)
def test_durations_are_read_easily(seconds: float | None, said: str) -> None:
    """The unit fits the size."""
    assert quantity(seconds) == said


def test_columns_are_aligned_and_times_have_units() -> None:
    """Seconds show with a unit, what is not there as nothing, long text shortened."""
    table = Table(
        [{"host": "alpha", "median": 0.002}, {"host": "b" * 60, "median": None}], times=["median"], note="end"
    )
    lines = repr(table).splitlines()
    assert lines[1].split() == ["alpha", "2", "ms"]
    assert lines[2] == f"{'b' * 37}..."
    assert lines[3] == "end"
    assert table.column("median") == [0.002, None]


def test_a_long_table_shows_its_beginning() -> None:
    """Rows past the bound are counted."""
    assert "and 5 more rows" in repr(Table([{"n": n} for n in range(MAX_ROWS + 5)]))


def test_it_is_a_frame_where_pandas_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """A data frame with the columns in their order, or the table itself."""
    table = Table([{"a": 1, "b": 2.5}], ["b", "a"])
    frame = table.to_frame()
    assert list(frame.columns) == ["b", "a"]
    assert frame["b"][0] == 2.5
    monkeypatch.setitem(sys.modules, "pandas", None)
    assert table.to_frame() is table
