from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from paglets_nb.agents import performance_plan
from paglets_nb.agents.performance_measures import MIB
from paglets_nb.agents.performance_plan import Effort, measure_host
from paglets_nb.agents.performance_results import Measurement
from paglets_nb.agents.performance_workers import Workers
from paglets_nb.agents.volumes import SkippedVolume

TINY = Effort(0.002, 64 * 1024, MIB)


@pytest.fixture(scope="module")
def workers() -> Iterator[Workers]:
    """Two processes."""
    with Workers(2) as made:
        yield made


def test_every_measure_is_taken(workers: Workers, tmp_path: Path) -> None:
    """Processor by one and by all, memory, each volume; nothing is left and nothing could not be removed."""
    errors: list[str] = []
    found = list(measure_host(workers, [str(tmp_path)], TINY, "m", errors.append))
    taken = [entry for entry in found if isinstance(entry, Measurement)]
    assert [entry.label for entry in taken] == [
        "cpu integer",
        "cpu integer, all cores",
        "cpu float",
        "cpu float, all cores",
        "cpu sha256",
        "cpu sha256, all cores",
        "memory copy",
        "memory scan",
        "disk write",
        "disk fsync",
        "disk read",
        "disk metadata",
    ]
    assert len(taken) == len(found)
    assert {entry.workers for entry in taken if entry.all_cores} == {2}
    assert all(0 < entry.lowest_per_second <= entry.highest_per_second for entry in taken)
    assert {entry.volume for entry in taken if entry.area == "disk"} == {str(tmp_path)}
    assert next(entry for entry in taken if entry.label == "disk write").size_bytes == MIB
    assert list(tmp_path.iterdir()) == []
    assert errors == []


def test_a_volume_that_fails_is_skipped(workers: Workers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its scratch folder goes, and the next volume is measured all the same."""
    good, bad = tmp_path / "good", tmp_path / "bad"
    good.mkdir()
    bad.mkdir()
    take_disk = performance_plan._Taker.take_disk

    def full(self: object, volume: object, folder: Path) -> Iterator[Measurement]:
        if folder.parent == bad:
            (folder / "file").write_text("in the way")
        return take_disk(self, volume, folder)  # type: ignore[arg-type]

    monkeypatch.setattr(performance_plan._Taker, "take_disk", full)
    found = list(measure_host(workers, [str(bad), str(good)], TINY, "m", lambda _error: None))
    (skipped,) = [entry for entry in found if isinstance(entry, SkippedVolume)]
    assert skipped.path == str(bad)
    assert "FileExistsError" in skipped.reason
    assert [entry.volume for entry in found if isinstance(entry, Measurement)][-4:] == [str(good)] * 4
    assert os.listdir(bad) == []


def test_a_reader_that_leaves_leaves_nothing(workers: Workers, tmp_path: Path) -> None:
    """Closing the measures half-way removes what was written."""
    measures = measure_host(workers, [str(tmp_path)], TINY, "m", lambda _error: None)
    while next(measures).label != "disk write":  # type: ignore[union-attr]
        pass
    assert len(list(tmp_path.iterdir())) == 1
    measures.close()
    assert list(tmp_path.iterdir()) == []


def test_quick_is_less(workers: Workers) -> None:
    """In every respect."""
    quick, full = dataclasses.astuple(performance_plan.QUICK), dataclasses.astuple(performance_plan.FULL)
    assert all(less < more for less, more in zip(quick, full, strict=True))
