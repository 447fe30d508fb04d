"""The process's one event loop, in a daemon thread, reached by a blocking portal.

Carries what is concurrent by nature: async handlers, the mesh's supervisor, relays and
the awaited face of the API. The thread lives as long as the process, so processes
started from it keep their parent's death signal.
"""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from paglets_nb.errors import CallTimeoutError, LifecycleError

if TYPE_CHECKING:
    from anyio.from_thread import BlockingPortal

__all__ = ["LoopThread", "loop_thread"]

T = TypeVar("T")
_START_TIMEOUT = 10.0


class LoopThread:
    """An anyio event loop in a daemon thread, started when first needed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._portal: BlockingPortal | None = None
        self.ident: int | None = None

    def portal(self) -> BlockingPortal:
        """The portal into the loop."""
        with self._lock:
            if self._portal is None:
                self._portal = self._start()
            return self._portal

    def _start(self) -> BlockingPortal:
        import anyio
        from anyio.from_thread import BlockingPortal

        ready: Future[BlockingPortal] = Future()

        async def main() -> None:
            async with BlockingPortal() as portal:
                ready.set_result(portal)
                await portal.sleep_until_stopped()

        thread = threading.Thread(target=anyio.run, args=(main,), name="paglets-loop", daemon=True)
        thread.start()
        self.ident = thread.ident
        return ready.result(_START_TIMEOUT)

    def submit(self, function: Callable[..., Awaitable[T]], *args: Any) -> Future[T]:
        """Start a coroutine function on the loop."""
        return self.portal().start_task_soon(function, *args)

    def call(
        self, function: Callable[..., Awaitable[T]], *args: Any, timeout: float | None = None, what: str = ""
    ) -> T:
        """Run a coroutine function on the loop and block for its result.

        An interrupt (Ctrl-C, the notebook's stop button) cancels it, as the deadline does.

        Args:
            function: the coroutine function.
            *args: its arguments.
            timeout: seconds; None leaves the deadline to the function.
            what: names the call in the time-out's error.
        """
        if self.inside():
            raise LifecycleError(f"{what or function!r} would block the event loop; await its async twin")
        future = self.submit(function, *args)
        try:
            return future.result(timeout)
        except CancelledError as error:
            raise LifecycleError(f"{what or function!r} was cancelled") from error
        except TimeoutError as error:
            if future.done():
                raise
            future.cancel()
            raise CallTimeoutError(what or repr(function), timeout or 0.0) from error
        except KeyboardInterrupt:
            future.cancel()
            with suppress(BaseException):
                future.result(2.0)
            raise

    def inside(self) -> bool:
        """Whether the calling thread is the loop's."""
        return threading.get_ident() == self.ident


loop_thread = LoopThread()
"""The process's loop."""
