"""Threads that run what no connection's thread runs: queued messages, ``run()``, hand-overs."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Any

from paglets_nb.errors import LifecycleError

__all__ = ["WorkerPool"]

MAX_WORKERS = 1024
IDLE_SECONDS = 10.0


class WorkerPool:
    """Daemon threads, as many as there is work at once, ended after ``IDLE_SECONDS`` without any.

    Args:
        name: for the threads.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()
        self._jobs: queue.SimpleQueue[tuple[Callable[..., Any], tuple[Any, ...]] | None] = queue.SimpleQueue()
        self._idle = 0
        self._threads = 0
        self._closed = False

    def submit(self, function: Callable[..., Any], *args: Any) -> None:
        """Run ``function(*args)``, which must not raise, on an idle worker or a new one.

        Raises:
            LifecycleError: closed, ``MAX_WORKERS`` are busy, or the system gives no further thread.
        """
        with self._lock:
            if self._closed:
                raise LifecycleError(f"{self._name} has stopped")
            if self._idle:
                self._idle -= 1
                self._jobs.put((function, args))
                return
            if self._threads >= MAX_WORKERS:
                raise LifecycleError(f"{self._name}: {MAX_WORKERS} handlers run at once already")
            self._threads += 1
        worker = threading.Thread(target=self._work, args=(function, args), name=f"{self._name}-worker", daemon=True)
        try:
            worker.start()
        except RuntimeError as error:  # the system has none left
            with self._lock:
                self._threads -= 1
            raise LifecycleError(f"{self._name}: {error}") from error

    def _work(self, function: Callable[..., Any], args: tuple[Any, ...]) -> None:
        while True:
            function(*args)
            with self._lock:
                self._idle += 1
            try:
                job = self._jobs.get(timeout=IDLE_SECONDS)
            except queue.Empty:
                with self._lock:
                    if self._idle:
                        self._idle -= 1
                        self._threads -= 1
                        return
                job = self._jobs.get()  # a submitter counted on this thread
            if job is None:
                return
            function, args = job

    def close(self) -> None:
        """End the idle threads; busy ones end after their job."""
        with self._lock:
            self._closed = True
            threads, self._threads = self._threads, 0
        for _ in range(threads):
            self._jobs.put(None)

    @property
    def closed(self) -> bool:
        """Whether it takes no more."""
        return self._closed

    def statistics(self) -> dict[str, int]:
        """Threads, and how many of them are idle."""
        with self._lock:
            return {"threads": self._threads, "idle": self._idle}
