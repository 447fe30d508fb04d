from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

import pytest

from paglets_nb.agents.performance_workers import MeasureFailedError, Workers, core_count
from paglets_nb.errors import CallTimeoutError, LifecycleError
from paglets_nb.platform import process_alive

SHORT = {"seconds": 0.003}


def _pids(workers: Workers) -> list[int]:
    return [process.pid for process in workers._processes]


def test_measures_are_taken_elsewhere(tmp_path: Path) -> None:
    """By one process or by all at once; an error of a measure is told, and the process lives on."""
    with Workers(2) as workers:
        assert len(workers.measure("cpu_integer", SHORT, timeout=30)) == 1
        both = workers.measure("cpu_sha256", SHORT, workers=2, timeout=30)
        assert [taken.count > 0 for taken in both] == [True, True]
        with pytest.raises(MeasureFailedError, match="FileNotFoundError"):
            workers.measure("disk_read", {**SHORT, "path": str(tmp_path / "none")}, timeout=30)
        assert workers.measure("memory_scan", {**SHORT, "size_bytes": 4096}, timeout=30)[0].count > 0
        pids = _pids(workers)
        assert os.getpid() not in pids
    assert not any(process_alive(pid) for pid in pids)


def test_a_measure_has_a_deadline() -> None:
    """Past it the processes are killed."""
    with Workers(1) as workers:
        pids = _pids(workers)
        with pytest.raises(CallTimeoutError, match="cpu_integer"):
            workers.measure("cpu_integer", {"seconds": 60}, timeout=0.2)
        with pytest.raises(LifecycleError):
            workers.measure("cpu_integer", SHORT, timeout=5)
    assert not any(process_alive(pid) for pid in pids)


def test_a_stop_ends_a_measure() -> None:
    """From another thread; whoever waits is told at once."""
    with Workers(1) as workers:
        timer = threading.Timer(0.1, workers.stop)
        timer.start()
        with pytest.raises(LifecycleError, match="stopped"):
            workers.measure("cpu_integer", {"seconds": 60}, timeout=50)
        timer.join()


def test_one_that_was_stopped_does_not_start() -> None:
    """A stop that comes before the start is not lost."""
    workers = Workers(3)
    workers.stop()
    with pytest.raises(LifecycleError, match="stopped"), workers:
        pass
    assert _pids(workers) == []


def test_a_process_that_dies_is_noticed() -> None:
    """Whoever killed it."""
    with Workers(1) as workers:
        os.kill(_pids(workers)[0], signal.SIGKILL)
        with pytest.raises(LifecycleError, match="a process ended|is gone"):
            workers.measure("cpu_integer", SHORT, timeout=30)


def test_a_module_of_that_name_in_the_working_folder_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What lies about is not imported."""
    (tmp_path / "json.py").write_text("raise SystemExit('this is not the one')")
    monkeypatch.chdir(tmp_path)
    with Workers(1) as workers:
        assert workers.measure("cpu_float", SHORT, timeout=30)


def test_cores_are_those_that_may_be_used() -> None:
    """Not those that are there."""
    assert core_count() == len(os.sched_getaffinity(0))
