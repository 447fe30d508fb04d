"""Each benchmark, run short: that it measures what it says and keeps its own accounts right."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.benchmarks import __main__ as everything
from tests.benchmarks import bulk, drains, fanout, files, futures, movement, search
from tests.benchmarks.command import command
from tests.benchmarks.measure import Effort
from tests.benchmarks.processes import ROOT
from tests.benchmarks.report import Promise, Report, Row

SHORT = Effort(rounds=1, batches=1, calls=100)
MIB = 1 << 20


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes started from here can import the benchmarks."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


def quiet(_what: str) -> None:
    """Say nothing."""


def one_core(report: Report) -> dict[str, list[float]]:
    """The figures on one core."""
    figures = report.facts["one_core"]
    assert isinstance(figures, dict)
    return figures


def test_hops_are_measured() -> None:
    """Hops, hops with a call and clones are measured beside calls; the paglet's count came along each time."""
    report = movement.run(Effort(rounds=1, batches=1, calls=20), say=quiet)
    figures = one_core(report)
    assert set(figures) == {movement.CALL, movement.HOP, movement.HOP_AND_CALL, movement.CLONE}
    assert min(min(times) for times in figures.values()) > 0
    assert len(report.promises) == 1


def test_bytes_are_measured_beside_a_raw_copy() -> None:
    """Bytes there and back are measured beside both raw receivers, on one core and on all."""
    report = bulk.run(Effort(rounds=1, batches=1, calls=2), say=quiet, size=4 * MIB)
    assert len(one_core(report)) == len(report.rows) == 5
    assert [promise.kept is None for promise in report.promises] == [False, False]


def test_futures_are_measured() -> None:
    """Futures are measured in windows and in one burst, beside rpyc where it is there."""
    report = futures.run(SHORT, say=quiet)
    assert min(one_core(report)[futures.FUTURES]) > 0
    assert all(promise.kept is not None or "not installed" in promise.figure for promise in report.promises)


def test_fan_outs_are_measured() -> None:
    """Fan-outs are measured beside calls one by one; peers, which take long to start, are left to ``make bench``."""
    report = fanout.run(Effort(rounds=1, batches=1, calls=20), say=quiet, peers=False)
    figures = one_core(report)
    assert set(figures) == set(fanout.OURS)
    assert min(min(times) for times in figures.values()) > 0
    assert [promise.kept is None for promise in report.promises] == [False, False, True, True, True]


def test_drains_are_measured() -> None:
    """Drains at three places of a log and through a whole one give a figure each."""
    report = drains.run(Effort(rounds=1, batches=1, calls=2), say=quiet, many=5_000, events=2_000)
    assert len(one_core(report)) == len(report.rows) == 5
    assert len(report.promises) == 3


def test_searches_are_measured_beside_plain_rg(tmp_path: Path) -> None:
    """Each pattern is searched for in both ways, and the first hits are timed."""
    (tmp_path / "a.py").write_text("def __init__(self):\n    raise ValueError\nTemporaryDirectory\n")
    report = search.run(Effort(rounds=1, batches=1, calls=1), say=quiet, tree=tmp_path)
    assert len(one_core(report)) == 2 * len(search.PATTERNS)
    assert len(report.rows) == 3 * len(search.PATTERNS)
    assert [promise.kept is None for promise in report.promises] == [False] * 3


def test_files_are_measured_and_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Copies and moves are measured on a real disk, and nothing of them is left there."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    report = files.run(1, say=quiet, size=4 * MIB)
    assert len(report.rows) == 5
    assert list(tmp_path.glob("bench-files-*")) == []


def test_files_are_skipped_on_a_full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without room for the files nothing is written, and each promise says why it is skipped."""
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: SimpleNamespace(free=1 << 30))
    report = files.run(1, say=quiet)
    assert report.kept
    assert [promise.line().partition(":")[0][:4] for promise in report.promises] == ["SKIP", "SKIP"]
    assert all("1.0 GiB are free" in promise.figure for promise in report.promises)


def test_a_broken_promise_is_the_exit_status(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The command prints the report, writes it whole as JSON and ends with 1 for a broken promise."""
    report = Report("title", [Row("row", "1 us")], [Promise("fast", "1 s", False)], {"figure": 1})
    saved = tmp_path / "report.json"
    assert command("name", "", lambda _quick, _say: report, ["--json", str(saved)]) == 1
    assert "FAIL  fast: 1 s" in capsys.readouterr().out
    assert Report.load(str(saved)) == report
    assert json.loads(saved.read_text())["title"] == "title"


def test_every_benchmark_is_among_all() -> None:
    """``python -m tests.benchmarks`` runs every module that has the command line of a benchmark."""
    modules = [path for path in Path(__file__).parent.glob("*.py") if not path.stem.startswith("test_")]
    runnable = {path.stem for path in modules if "sys.exit(command(" in path.read_text(encoding="utf-8")}
    assert set(everything.BENCHMARKS) == runnable
