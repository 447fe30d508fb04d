"""Where the work of widgets happens: never in a callback, never more often than a page can draw.

Owns the threads behind the views. It must not know what a view shows or asks.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

import anyio

from paglets_nb.host.loop import loop_thread

__all__ = ["FRAMES_PER_SECOND", "Coalesced", "Poller", "post"]

FRAMES_PER_SECOND = 20.0
"""Updates of one view in a second; what a page draws with ease."""
_IDLE = 5.0
"""Seconds without work after which the painter's thread ends."""


def post(work: Callable[[], None], on_error: Callable[[Exception], None]) -> None:
    """Have a thread do what may block, and return at once; what a widget's callback calls.

    Args:
        work: asks a host, say, and shows what it answered.
        on_error: shows what ``work`` raised, where the user looks.
    """

    def run() -> None:
        try:
            work()
        except Exception as error:  # there is nobody to raise to: it is shown
            on_error(error)

    threading.Thread(target=run, name="paglets-widget-work", daemon=True).start()


class _Painter:
    """One thread that brings views up to date, as they are due; it ends when there is nothing to do."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._due: deque[Coalesced] = deque()
        self._running = False

    def add(self, wanted: Coalesced) -> None:
        with self._changed:
            self._due.append(wanted)
            if not self._running:
                self._running = True
                threading.Thread(target=self._run, name="paglets-painter", daemon=True).start()
            self._changed.notify_all()

    def _next(self) -> Coalesced | None:
        """The view that is due first, once it is; None when there was nothing to do for a while."""
        with self._changed:
            while True:
                now = time.monotonic()
                first = min(self._due, key=lambda wanted: wanted.due, default=None)
                if first is not None and first.due <= now:
                    self._due.remove(first)
                    return first
                woken = self._changed.wait(_IDLE if first is None else first.due - now)
                if first is None and not woken and not self._due:
                    self._running = False
                    return None

    def _run(self) -> None:
        while (wanted := self._next()) is not None:
            wanted.paint()


_painter = _Painter()


class Coalesced:
    """Work that is wanted often and done at most so often; the last wish is always fulfilled.

    Calling it costs nothing and blocks nobody. The work runs in the painter's thread, one view
    after another, so it may set traits but must ask no host.

    Args:
        work: brings the view up to date with what is known.
        per_second: how often at most.
    """

    def __init__(self, work: Callable[[], None], per_second: float = FRAMES_PER_SECOND) -> None:
        self._work = work
        self._interval = 1.0 / per_second
        self._lock = threading.Lock()
        self._working = threading.Lock()
        self._wanted = False
        self._closed = False
        self.due = 0.0
        self.count = 0
        self.error: Exception | None = None

    def __call__(self) -> None:
        """Want the work done."""
        with self._lock:
            if self._wanted or self._closed:
                return
            self._wanted = True
        _painter.add(self)

    def paint(self) -> None:
        """Do the work; called by the painter when it is due."""
        with self._working:
            with self._lock:
                self._wanted = False
                if self._closed:
                    return
                self.due = time.monotonic() + self._interval
            self.count += 1
            try:
                self._work()
            except Exception as error:  # a view that fails must not take the others along
                self.error = error

    def close(self) -> None:
        """Do what is wanted still, and nothing after that."""
        with self._lock:
            wanted, self._wanted = self._wanted, False
        if wanted and not self._closed:
            self.paint()
        with self._lock:
            self._closed = True


class Poller:
    """Work that is repeated in the background until it is closed, such as asking hosts how they are.

    Args:
        work: may block; what it raises is kept in ``error`` and ends nothing.
        interval: seconds from its end to its next beginning.
    """

    def __init__(self, work: Callable[[], None], interval: float) -> None:
        self._work = work
        self._interval = interval
        self._closed = threading.Event()
        self._future: Any = None
        self.error: Exception | None = None

    def start(self) -> None:
        """Begin; the first time at once."""
        self._future = loop_thread.submit(self._run)

    def close(self) -> None:
        """Begin no further round."""
        self._closed.set()
        if self._future is not None:
            self._future.cancel()

    async def _run(self) -> None:
        while not self._closed.is_set():
            await anyio.to_thread.run_sync(self._once, abandon_on_cancel=True)
            await anyio.sleep(self._interval)

    def _once(self) -> None:
        try:
            self._work()
        except Exception as error:  # the next round may go better
            self.error = error
