"""The threads that run what no connection's thread runs."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from paglets_nb.errors import LifecycleError
from paglets_nb.host import workers as module
from paglets_nb.host.workers import WorkerPool
from paglets_nb.testing import wait_until


@pytest.fixture
def pool() -> Iterator[WorkerPool]:
    """Workers, ended after the test."""
    pool = WorkerPool("test")
    yield pool
    pool.close()


def test_jobs_run_with_their_arguments(pool: WorkerPool) -> None:
    """A job runs in a worker's thread with its arguments."""
    got: list[object] = []
    pool.submit(lambda *args: got.append((args, threading.current_thread().name)), 1, 2)
    wait_until(lambda: got == [((1, 2), "test-worker")])


def test_as_many_threads_as_work_at_once(pool: WorkerPool) -> None:
    """Jobs that wait for each other all run; idle threads are used again."""
    barrier = threading.Barrier(6, timeout=5)
    for _ in range(5):
        pool.submit(barrier.wait)
    barrier.wait()
    wait_until(lambda: pool.statistics() == {"threads": 5, "idle": 5})
    done = threading.Event()
    pool.submit(done.set)
    assert done.wait(5)
    assert pool.statistics()["threads"] == 5


def test_idle_threads_end(pool: WorkerPool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread without work ends after a while, and new work gets a new one."""
    monkeypatch.setattr(module, "IDLE_SECONDS", 0.01)
    done = threading.Event()
    pool.submit(done.set)
    assert done.wait(5)
    wait_until(lambda: pool.statistics() == {"threads": 0, "idle": 0})
    again = threading.Event()
    pool.submit(again.set)
    assert again.wait(5)


def test_no_job_is_lost_while_threads_end(pool: WorkerPool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs submitted at the moment at which threads give up waiting all run."""
    monkeypatch.setattr(module, "IDLE_SECONDS", 0.0005)
    done = threading.Semaphore(0)
    for _ in range(500):
        pool.submit(done.release)
        assert done.acquire(timeout=5)


def test_the_number_of_threads_is_bounded(pool: WorkerPool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Past the bound a job is refused, and taken again when a thread is free."""
    monkeypatch.setattr(module, "MAX_WORKERS", 2)
    gate = threading.Event()
    for _ in range(2):
        pool.submit(gate.wait, 5)
    with pytest.raises(LifecycleError, match="2 handlers run at once"):
        pool.submit(gate.set)
    gate.set()
    wait_until(lambda: pool.statistics()["idle"] == 2)
    done = threading.Event()
    pool.submit(done.set)
    assert done.wait(5)


def test_a_system_without_threads(pool: WorkerPool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A job for which there is no thread is refused with a typed error, and one is made when there is again."""

    def none_left(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as full:
        full.setattr(threading.Thread, "start", none_left)
        with pytest.raises(LifecycleError, match="can't start new thread"):
            pool.submit(print)
    assert pool.statistics() == {"threads": 0, "idle": 0}
    done = threading.Event()
    pool.submit(done.set)
    assert done.wait(5)


def test_a_closed_pool_takes_nothing() -> None:
    """After ``close`` idle threads end, busy ones after their job, and new jobs are refused."""
    pool, gate = WorkerPool("closing"), threading.Event()
    idle = threading.Event()
    pool.submit(gate.wait, 5)
    pool.submit(idle.set)
    assert idle.wait(5)
    pool.close()
    with pytest.raises(LifecycleError, match="closing has stopped"):
        pool.submit(gate.set)
    gate.set()
    wait_until(lambda: not [thread for thread in threading.enumerate() if thread.name == "closing-worker"])
