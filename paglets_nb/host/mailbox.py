"""The mailbox: one handler at a time per paglet, and what waits for it.

Whoever finds the turn free takes it and runs its handler in its own thread. What finds
it taken is queued, higher priority first, first come first served within one; the queue
is then drained by a worker. A handler that waits gives its turn up and queues for it
again in its old place. Owns turns and queues; knows no message and no paglet.
"""

from __future__ import annotations

import heapq
import threading
from typing import Any, Protocol

from paglets_nb.errors import CallTimeoutError, LifecycleError, MailboxFullError
from paglets_nb.host.workers import WorkerPool

__all__ = ["Job", "Mailbox"]

MAX_WAITING = 100_000


class Job(Protocol):
    """Something to do with the turn held."""

    def run(self, place: int) -> None:
        """Do it; must not raise. ``place`` is its place in the queue."""
        ...

    def refuse(self) -> None:
        """The mailbox closed before its time came."""
        ...


class _Waiter:
    """A thread that waits for the turn."""

    __slots__ = ("granted", "refused")

    def __init__(self) -> None:
        self.granted = threading.Event()
        self.refused = False


class Mailbox:
    """The turn of one paglet and the queue for it.

    Args:
        workers: run queued jobs.
        limit: jobs that may wait.
    """

    __slots__ = ("_busy", "_closed", "_limit", "_lock", "_place", "_waiting", "_workers")

    def __init__(self, workers: WorkerPool, *, limit: int = MAX_WAITING) -> None:
        self._workers = workers
        self._limit = limit
        self._lock = threading.Lock()
        self._busy = False
        self._closed = False
        self._waiting: list[tuple[int, int, Any]] = []
        self._place = 0

    def try_take(self) -> int:
        """Take the turn if it is free: the place in the queue it stands for, else 0."""
        with self._lock:
            if self._busy or self._closed:
                return 0
            self._busy = True
            self._place += 1
            return self._place

    def post(self, job: Job, priority: int) -> None:
        """Run a job when its turn comes, on a worker.

        Raises:
            MailboxFullError: too many wait already.
            LifecycleError: the mailbox is closed.
        """
        with self._lock:
            if self._closed:
                raise LifecycleError("the paglet has left or ended")
            self._place = place = self._place + 1
            if self._busy:
                if len(self._waiting) >= self._limit:
                    raise MailboxFullError(f"{self._limit} messages wait for the paglet already")
                heapq.heappush(self._waiting, (-priority, place, job))
                return
            self._busy = True
        try:
            self._workers.submit(self._drain, job, place)
        except LifecycleError:
            self.release()
            raise

    def acquire(self, *, priority: int = 10, place: int = 0, timeout: float | None = None) -> int:
        """Block until the turn is ours.

        Args:
            priority: 1 to 10.
            place: an old place in the queue to take again; 0 for a new one.
            timeout: seconds; None waits until it is granted or the mailbox closes.

        Returns:
            The place.

        Raises:
            CallTimeoutError: not granted in time.
            LifecycleError: the mailbox closed.
        """
        with self._lock:
            if self._closed:
                raise LifecycleError("the paglet has left or ended")
            if not place:
                self._place = place = self._place + 1
            if not self._busy:
                self._busy = True
                return place
            waiter = _Waiter()
            heapq.heappush(self._waiting, (-priority, place, waiter))
        if not waiter.granted.wait(timeout):
            with self._lock:
                if not waiter.granted.is_set():
                    self._waiting = [entry for entry in self._waiting if entry[2] is not waiter]
                    heapq.heapify(self._waiting)
                    raise CallTimeoutError("the paglet's turn", timeout or 0.0)
        if waiter.refused:
            raise LifecycleError("the paglet has left or ended")
        return place

    def release(self) -> None:
        """Give the turn to the next in the queue."""
        with self._lock:
            if not self._waiting:
                self._busy = False
                return
        while (following := self._next()) is not None:
            try:
                self._workers.submit(self._drain, *following)
                return
            except LifecycleError:
                following[0].refuse()

    def _next(self) -> tuple[Job, int] | None:
        with self._lock:
            if not self._waiting:
                self._busy = False
                return None
            _priority, place, entry = heapq.heappop(self._waiting)
            if isinstance(entry, _Waiter):
                entry.granted.set()
                return None
            return entry, place

    def _drain(self, job: Job, place: int) -> None:
        following: tuple[Job, int] | None = (job, place)
        while following is not None:
            following[0].run(following[1])
            following = self._next()

    def close(self) -> None:
        """Refuse whatever waits and whatever comes; the turn's holder calls this before it releases."""
        with self._lock:
            self._closed = True
            waiting, self._waiting = sorted(self._waiting, key=lambda entry: entry[:2]), []
        for _priority, _place, entry in waiting:
            if isinstance(entry, _Waiter):
                entry.refused = True
                entry.granted.set()
            else:
                entry.refuse()

    def waiting(self) -> int:
        """How many wait."""
        with self._lock:
            return len(self._waiting)
