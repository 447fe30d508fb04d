"""The benchmark itself: that it measures what it says."""

from __future__ import annotations

import os

import pytest

from tests.benchmarks.calls import CALL, RAW, run
from tests.benchmarks.measure import Effort
from tests.benchmarks.placement import cores_of, pinned
from tests.benchmarks.processes import ROOT
from tests.benchmarks.report import Promise, Report, Row


def test_pinned_holds_every_thread_on_one_core() -> None:
    """Within ``pinned`` all threads may run on one core only, and on all of them again after."""
    before = cores_of([os.getpid()])
    with pinned([]):
        assert len(cores_of([os.getpid()])) == 1
    assert cores_of([os.getpid()]) == before


def test_report_tells_kept_broken_and_unmeasured() -> None:
    """A broken promise fails the report, one that could not be measured does not."""
    report = Report("title", [Row("peer", "not installed")], [Promise("fast", "1 s", None)])
    assert report.kept
    report.promises.append(Promise("small", "2 MB", False))
    assert not report.kept
    assert "FAIL  small: 2 MB" in report.text()
    assert "SKIP  fast: 1 s" in report.text()


def test_quick_run_measures_every_contender(monkeypatch: pytest.MonkeyPatch) -> None:
    """A short run gives a figure for a raw ping-pong and a typed call, pinned and not, and every promise."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    report = run(Effort(rounds=2, batches=1, calls=200), starts=1, say=lambda _what: None)
    one_core = report.facts["one_core"]
    assert isinstance(one_core, dict)
    assert min(one_core[CALL] + one_core[RAW]) > 0
    assert len(report.promises) == 5
    assert all(promise.kept is not None or "not installed" in promise.figure for promise in report.promises)
