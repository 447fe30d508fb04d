from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from paglets_nb.agents import performance_measures as measures
from paglets_nb.agents.performance_measures import MIB, Taken

SHORT = 0.003


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("cpu_integer", {}),
        ("cpu_float", {}),
        ("cpu_sha256", {}),
        ("memory_copy", {"size_bytes": MIB}),
        ("memory_scan", {"size_bytes": MIB}),
    ],
)
def test_a_measure_has_parts_and_a_count(name: str, arguments: dict[str, Any]) -> None:
    """However short the time, each part does something; the whole lies between its slowest and quickest part."""
    taken: Taken = measures.MEASURES[name](SHORT, **arguments)
    assert len(taken.rates_per_second) == measures.ROUNDS
    assert taken.count > 0
    rate = taken.count / taken.elapsed_seconds
    assert rate <= max(taken.rates_per_second)
    assert taken.elapsed_seconds >= SHORT
    assert rate > 0.5 * min(taken.rates_per_second)


def test_it_takes_as_long_as_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """By a clock that goes on by a tenth of a second each time, work is done until the time is up."""
    now = [0.0]

    def clock() -> float:
        now[0] += 0.1
        return now[0]

    monkeypatch.setattr(measures.time, "perf_counter", clock)
    done: list[int] = []
    taken = measures._timed(lambda: done.append(1), 5, 3.0)
    assert taken.count == 5 * (len(done) - 1)  # the first one only warms up
    assert 3.0 <= taken.elapsed_seconds < 4.0


def test_a_file_is_written_and_read(tmp_path: Path) -> None:
    """As large as it may be, and no larger; the same bytes are read."""
    path = str(tmp_path / "file")
    written = measures.disk_write(60.0, path, 2 * MIB + 5)
    assert written.count == Path(path).stat().st_size == 2 * MIB + 5
    assert measures.disk_read(60.0, path).count == 2 * MIB + 5
    with pytest.raises(FileExistsError):
        measures.disk_write(1.0, path, MIB)


def test_time_ends_a_file_too(tmp_path: Path) -> None:
    """One block is written, and read, in any case."""
    path = str(tmp_path / "file")
    assert measures.disk_write(0.0, path, 64 * MIB).count == MIB
    measures.disk_write(60.0, f"{path}2", 3 * MIB)
    assert measures.disk_read(0.0, f"{path}2").count == MIB


def test_small_things_are_bounded(tmp_path: Path) -> None:
    """By their number as well as by time; metadata leaves no file."""
    assert measures.disk_fsync(60.0, str(tmp_path / "synced"), most=7).count == 7
    assert measures.disk_metadata(60.0, str(tmp_path), most=7).count == 7
    assert [path.name for path in tmp_path.iterdir()] == ["synced"]
    assert (tmp_path / "synced").stat().st_size == 4096
    assert measures.disk_metadata(0.0, str(tmp_path)).count == measures.ROUNDS
