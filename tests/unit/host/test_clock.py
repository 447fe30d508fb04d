"""Things to do at a time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from paglets_nb.host import clock as module
from paglets_nb.host import workers as pool
from paglets_nb.host.clock import Clock
from paglets_nb.host.workers import WorkerPool
from paglets_nb.testing import wait_until


@pytest.fixture
def workers() -> Iterator[WorkerPool]:
    """A pool of workers."""
    workers = WorkerPool("test")
    yield workers
    workers.close()


@pytest.fixture
def clock(workers: WorkerPool) -> Iterator[Clock]:
    """A clock on them."""
    clock = Clock(workers)
    yield clock
    clock.close()


@pytest.fixture
def jump(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Sets the wall clock forward by so many seconds."""
    real = time.time
    return lambda seconds: monkeypatch.setattr(module.time, "time", lambda: real() + seconds)


def test_what_is_due_is_done_in_its_order(clock: Clock, workers: WorkerPool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls come at their times, whatever order they were asked for in, an earlier one than the next included."""
    done: list[tuple[str, float]] = []
    submit = workers.submit
    monkeypatch.setattr(
        workers, "submit", lambda function, *args: submit(function) if function == clock._run else function(*args)
    )
    in_time = False
    while not in_time:  # on a busy machine the first may be due before the last is asked for
        done.clear()
        now = time.time()
        for name, after in (("c", 0.09), ("a", 0.03), ("b", 0.06)):
            clock.call_at(now + after, lambda name=name: done.append((name, time.time())))
        in_time = time.time() < now + 0.03
        wait_until(lambda: len(done) == 3)
    assert [name for name, _at in done] == ["a", "b", "c"]
    assert all(at >= now + after for (_name, at), after in zip(done, (0.03, 0.06, 0.09), strict=True))


def test_the_past_is_now(clock: Clock) -> None:
    """What was due before it was asked for is done at once, with its arguments."""
    done: list[tuple[int, int]] = []
    clock.call_at(0.0, lambda *given: done.append(given), 1, 2)
    wait_until(lambda: done == [(1, 2)])


def test_it_waits_on_no_thread_while_nothing_is_due(clock: Clock) -> None:
    """A clock with nothing to do ends its thread, and goes on when there is something again."""
    for _ in range(2):
        done = threading.Event()
        clock.call_at(time.time(), done.set)
        assert done.wait(5)
        wait_until(lambda: not clock._running)


def test_a_slow_call_holds_up_nothing(clock: Clock) -> None:
    """A call that takes long does not delay the next one."""
    gate, done = threading.Event(), threading.Event()
    clock.call_at(time.time(), gate.wait, 10)
    clock.call_at(time.time(), done.set)
    assert done.wait(5)
    gate.set()


def test_the_wall_clock_may_jump(clock: Clock, jump: Callable[[float], None]) -> None:
    """A call is made by the wall clock's time, also when that was set forward meanwhile."""
    done = threading.Event()
    clock.call_at(time.time() + 3600, done.set)
    jump(7200.0)
    clock.call_at(time.time(), lambda: None)  # it looks at the time again
    assert done.wait(5)


def test_a_closed_clock_forgets(clock: Clock, jump: Callable[[float], None]) -> None:
    """Nothing is done after the close; asking for more is harmless."""
    done = threading.Event()
    clock.call_at(time.time() + 3600, done.set)
    clock.close()
    jump(7200.0)
    clock.call_at(time.time(), done.set)
    wait_until(lambda: not clock._running)
    assert not done.is_set()


def test_its_workers_end_first(clock: Clock, workers: WorkerPool, jump: Callable[[float], None]) -> None:
    """A clock whose workers have ended gives up quietly, whatever is still due."""
    done = threading.Event()
    for _ in range(2):
        clock.call_at(time.time() + 3600, done.set)
    workers.close()
    jump(7200.0)
    clock.call_at(time.time() + 3600, done.set)
    wait_until(lambda: not clock._running)
    assert (clock._due, done.is_set()) == ([], False)


def test_what_no_worker_can_take_is_tried_again(
    clock: Clock, workers: WorkerPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A clock that finds every worker busy does it when one is free."""
    monkeypatch.setattr(module, "_PUT_OFF", 0.01)
    monkeypatch.setattr(pool, "MAX_WORKERS", 1)
    free, done = threading.Event(), threading.Event()
    workers.submit(free.wait, 10)
    refused = threading.Event()
    put_off = clock._put_off
    monkeypatch.setattr(clock, "_put_off", lambda *given: (put_off(*given), refused.set()))
    clock.call_at(time.time(), done.set)
    assert refused.wait(5)
    assert not done.is_set()
    free.set()
    assert done.wait(5)


def test_a_system_without_threads(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that could not begin to wait begins with the next thing it is asked for."""
    done = threading.Semaphore(0)

    def none_left(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as full:
        full.setattr(threading.Thread, "start", none_left)
        with pytest.raises(RuntimeError):
            clock.call_at(time.time(), done.release)
    clock.call_at(time.time(), done.release)
    assert done.acquire(timeout=5)
    assert done.acquire(timeout=5)
