"""Things to do at a time: one thread per host, with a heap."""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections.abc import Callable
from typing import Any

from paglets_nb.errors import LifecycleError
from paglets_nb.host.workers import WorkerPool

__all__ = ["Clock"]

_PUT_OFF = 0.1
"""Seconds until what came while every worker was busy is tried again."""


class Clock:
    """Calls functions at POSIX times, on workers.

    Args:
        workers: run what is due. The clock's own thread lives while anything is to come.
    """

    def __init__(self, workers: WorkerPool) -> None:
        self._workers = workers
        self._changed = threading.Condition(threading.Lock())
        self._due: list[tuple[float, int, Callable[..., Any], tuple[Any, ...]]] = []
        self._numbers = itertools.count()
        self._running = False
        self._closed = False

    def call_at(self, when: float, function: Callable[..., Any], *args: Any) -> None:
        """Call ``function(*args)``, which must not raise, at a POSIX time or soon after."""
        with self._changed:
            heapq.heappush(self._due, (when, next(self._numbers), function, args))
            self._changed.notify()
            if self._running or self._closed:
                return
            threading.Thread(target=self._run, name="paglets-clock", daemon=True).start()
            self._running = True

    def _run(self) -> None:
        while True:
            with self._changed:
                if self._closed or not self._due:
                    self._running = False
                    return
                wait = self._due[0][0] - time.time()
                if wait > 0:
                    self._changed.wait(min(wait, 60.0))
                    continue
                _when, _number, function, args = heapq.heappop(self._due)
            try:
                self._workers.submit(function, *args)
            except LifecycleError:
                self._put_off(function, args)

    def _put_off(self, function: Callable[..., Any], args: tuple[Any, ...]) -> None:
        """What no worker could take is due again a little later, unless none will come."""
        with self._changed:
            if self._workers.closed:
                self._due.clear()
            elif not self._closed:
                heapq.heappush(self._due, (time.time() + _PUT_OFF, next(self._numbers), function, args))

    def close(self) -> None:
        """Forget what is due."""
        with self._changed:
            self._closed = True
            self._due.clear()
            self._changed.notify_all()
