"""The process's event loop thread."""

from __future__ import annotations

import threading

import anyio
import pytest

from paglets_nb.errors import CallTimeoutError, LifecycleError
from paglets_nb.host.loop import loop_thread


async def name_of_thread() -> str:
    """The thread that runs the loop."""
    return threading.current_thread().name


def test_calls_run_on_the_one_loop() -> None:
    """Coroutine functions called from any thread run in the loop's daemon thread."""
    assert loop_thread.call(name_of_thread) == "paglets-loop"
    assert loop_thread.submit(name_of_thread).result(5) == "paglets-loop"
    assert not loop_thread.inside()


def test_errors_come_out() -> None:
    """What the coroutine raises is raised at the caller, its own time-outs too."""

    async def fail(error: Exception) -> None:
        raise error

    with pytest.raises(ZeroDivisionError):
        loop_thread.call(fail, ZeroDivisionError())
    with pytest.raises(TimeoutError, match="its own"):
        loop_thread.call(fail, TimeoutError("its own"), timeout=5)


def test_a_deadline_cancels() -> None:
    """Past the deadline the coroutine is cancelled and the caller told which call it was."""
    cancelled = threading.Event()

    async def forever() -> None:
        try:
            await anyio.sleep_forever()
        finally:
            cancelled.set()

    with pytest.raises(CallTimeoutError, match="the long one: no answer within 0.02 s"):
        loop_thread.call(forever, timeout=0.02, what="the long one")
    assert cancelled.wait(5)


def test_blocking_calls_from_the_loop_are_refused() -> None:
    """A blocking call made in the loop's own thread is a clear error instead of a deadlock."""

    async def inner() -> None:
        assert loop_thread.inside()
        with pytest.raises(LifecycleError, match="would block the event loop; await its async twin"):
            loop_thread.call(name_of_thread, what="ask")

    loop_thread.call(inner)
