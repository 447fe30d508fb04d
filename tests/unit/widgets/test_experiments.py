from __future__ import annotations

from paglets_nb.experiments.cells import FAILED, Cell
from paglets_nb.experiments.results import Results
from paglets_nb.experiments.table import Table
from paglets_nb.experiments.timing import Timings
from paglets_nb.widgets.experiments import results_html, table_html
from paglets_nb.widgets.pictures import PICTURES


def results() -> Results:
    """One cell that is ok and two that failed."""
    cells = [Cell(number, {"n": number}, 0, "alpha") for number in range(3)]
    cells[0].succeed(1, 0.002, 0.001)
    for cell in cells[1:]:
        cell.fail(FAILED, ValueError("<b>"))
    return Results("f", cells, 0.5)


def test_results_show_counts_errors_and_medians() -> None:
    """Each state in its colour, errors counted and escaped."""
    shown = results_html(results())
    assert shown.startswith("<b>f</b>: <span style='color:#2e7d32'>1 ok</span>, ")
    assert "2x failed" in shown
    assert "ValueError: &lt;b&gt;" in shown
    assert ">1 ms</td>" in shown


def test_tables_show_their_note() -> None:
    """Under the rows, in small print."""
    assert "<span style='opacity:0.65'>a note</span>" in table_html(Table([{"a": 1}], note="a note"))
    assert "comparison" not in results_html(Timings("time", []))


def test_they_have_pictures() -> None:
    """By the names of their types."""
    for cls in (Results, Table, Timings):
        picture = PICTURES[f"{cls.__module__}.{cls.__name__}"]
        assert picture.text(results()) == repr(results())
