from __future__ import annotations

import csv
from pathlib import Path

import pytest

from paglets_nb.errors import ExperimentError
from paglets_nb.experiments.cells import FAILED, Cell
from paglets_nb.experiments.frames import write_csv
from paglets_nb.experiments.results import Results


def results() -> Results:
    """One cell that is ok and one that failed."""
    cells = [Cell(number, {"n": number, "text": 'a "b", c'}, 0, "alpha") for number in range(2)]
    cells[0].succeed(1, 0.1 + 0.2, None)
    cells[1].fail(FAILED, ValueError("line\nbreak"))
    return Results("f", cells, 0.5)


def test_a_row_for_each_cell(tmp_path: Path) -> None:
    """Numbers exact, texts whole, nothing for what is not known."""
    path = write_csv(results(), tmp_path / "cells.csv")
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["state"] for row in rows] == ["ok", "failed"]
    assert rows[0]["text"] == 'a "b", c'
    assert float(rows[0]["total"]) == 0.1 + 0.2
    assert rows[0]["run"] == ""
    assert rows[1]["error"] == "ValueError: line\nbreak"


def test_another_file_is_not_overwritten(tmp_path: Path) -> None:
    """Unless it is said so; nothing half written stays."""
    path = tmp_path / "cells.csv"
    path.write_text("mine")
    with pytest.raises(ExperimentError, match="exists already"):
        write_csv(results(), path)
    assert path.read_text() == "mine"
    write_csv(results(), path, replace=True)
    assert path.read_text().startswith("cell,n,text,host")
    with pytest.raises(OSError):  # noqa: PT011 - whichever the system has for it
        write_csv(results(), tmp_path / "no" / "cells.csv")
    assert [entry.name for entry in tmp_path.iterdir()] == ["cells.csv"]
