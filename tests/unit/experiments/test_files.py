from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy
import pytest

from paglets_nb import FanOut
from paglets_nb.errors import ExperimentError
from paglets_nb.experiments.cells import UNKNOWN, Cell
from paglets_nb.experiments.results import Results
from tests.unit.experiments.conftest import Total, done


def saved(tmp_path: Path) -> Path:
    """A file of two cells."""
    cells = [done(0, 1.0, n=1), Cell(1, {"n": 2}, host="beta", attempts=1)]
    cells[1].fail(UNKNOWN, TimeoutError("late"))
    path = tmp_path / "results.json"
    Results("f", cells, 2.5).save(path)
    return path


def test_what_was_saved_is_loaded(tmp_path: Path) -> None:
    """Cells come back as they were, but for the error object."""
    results = FanOut.load(saved(tmp_path))
    assert (results.title, results.elapsed, results.counts) == ("f", 2.5, {"ok": 1, "unknown": 1})
    assert results.cells[0] == done(0, 1.0, n=1)
    assert results.cells[1].error == "TimeoutError: late"
    assert results.cells[1].exception is None
    assert results.summary() == FanOut.load(saved(tmp_path)).summary()


@pytest.mark.parametrize(
    ("value", "back"),
    [
        (Total(3, "alpha"), {"total": 3, "host": "alpha"}),
        (b"\x00\xff", b"\x00\xff"),
        ([1, (2.5, None)], [1, [2.5, None]]),
        (
            {
                "a": {
                    1,
                }
            },
            {"a": [1]},
        ),
        (float("inf"), float("inf")),
        (numpy.float64(1.5), 1.5),
        (Path("x"), "PosixPath('x')"),
    ],
)
def test_values_come_back_as_plain_ones(tmp_path: Path, value: Any, back: Any) -> None:
    """Replies of every kind survive as far as JSON can hold them."""
    cell = done(0, 1.0, size=value)
    cell.value = value
    Results("f", [cell]).save(tmp_path / "f")
    assert Results.load(tmp_path / "f").cells[0].value == back
    assert Results.load(tmp_path / "f").cells[0].fields == {"size": back}


def test_arrays_come_back_as_arrays(tmp_path: Path) -> None:
    """With their type."""
    cell = done(0, 1.0)
    cell.value = numpy.arange(3, dtype="int16")
    Results("f", [cell]).save(tmp_path / "f")
    back = Results.load(tmp_path / "f").cells[0].value
    assert back.dtype == "int16"
    assert back.tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: text[: len(text) // 2], "damaged"),
        (lambda _text: "{}", "no fan-out's results"),
        (lambda _text: "\x00\xff", "damaged, or no fan-out's results"),
        (lambda text: text.replace('"version": 1', '"version": 9'), "is of version 9; this one reads version 1"),
        (lambda text: text.replace('"state": "ok"', '"state": "fine"'), "cell 0 is 'fine'"),
        (lambda text: text.replace('"total": 2.0', '"total": "2"'), "a time that is no number"),
        (lambda text: text.replace('"repeat"', '"again"'), "cell 0 has not the fields of a cell"),
        (lambda text: text.replace('"cells"', '"rows"'), "damaged: KeyError"),
    ],
)
def test_a_damaged_or_foreign_file_is_told(tmp_path: Path, change: Any, said: str) -> None:
    """Whatever is not what was saved is an ExperimentError, never half a result."""
    path = saved(tmp_path)
    path.write_text(change(path.read_text()), encoding="utf-8")
    with pytest.raises(ExperimentError, match=said):
        FanOut.load(path)


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When writing fails the old file is still there, and nothing else."""
    path = saved(tmp_path)
    before = path.read_bytes()

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        Results("g", [done(0, 1.0)]).save(path)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == [path.name]
    assert json.loads(before)["format"] == "paglets_nb fan-out"


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """What cannot be read is told by its path."""
    with pytest.raises(ExperimentError, match=r"nofile\.json cannot be read: No such file"):
        FanOut.load(tmp_path / "nofile.json")
