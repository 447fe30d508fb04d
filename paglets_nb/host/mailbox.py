"""The mailbox: one handler at a time per paglet, and what waits for it.

Whoever finds the turn free takes it and runs its handler in its own thread. What finds
it taken is queued, higher priority first, first come first served within one; the queue
is then drained by a worker. A handler that waits gives its turn up and queues for it
again in its old place. Owns turns and queues; knows no message and no paglet.
"""

from __future__ import annotations

import heapq
import itertools
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

    __slots__ = ("_closed", "_free", "_limit", "_lock", "_place", "_take", "_waiting", "_workers")

    def __init__(self, workers: WorkerPool, *, limit: int = MAX_WAITING) -> None:
        self._workers = workers
        self._limit = limit
        self._lock = threading.Lock()
        turn = threading.Lock()
        self._take = turn.acquire
        self._free = turn.release
        self._closed = False
        self._waiting: list[tuple[int, int, Any]] = []
        self._place = itertools.count(1).__next__

    # The turn is a lock of its own, taken and freed without the queue's where nobody waits. Whoever queues
    # tries for the turn after, and whoever frees it looks at the queue after: one of the two sees the other.

    def try_take(self) -> int:
        """Take the turn if it is free: the place in the queue it stands for, else 0."""
        if self._waiting or not self._take(False) or self._closed:  # of a closed one nobody has the turn again
            return 0
        return self._place()

    def post(self, job: Job, priority: int) -> None:
        """Run a job when its turn comes, on a worker.

        Raises:
            MailboxFullError: too many wait already.
            LifecycleError: the mailbox is closed.
        """
        with self._lock:
            if self._closed:
                raise LifecycleError("the paglet has left or ended")
            place = self._place()
            at_once = not self._waiting and self._take(False)
            if not at_once:
                if len(self._waiting) >= self._limit:
                    raise MailboxFullError(f"{self._limit} messages wait for the paglet already")
                heapq.heappush(self._waiting, (-priority, place, job))
        if not at_once:
            self._pass_on()
            return
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
            place = place or self._place()
            if not self._waiting and self._take(False):
                return place
            waiter = _Waiter()
            heapq.heappush(self._waiting, (-priority, place, waiter))
        self._pass_on()
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
        if self._closed:
            return
        self._free()
        if self._waiting:
            self._pass_on()

    def _pass_on(self) -> None:
        """Give the turn to the first in the queue, where it is free; who has it does so after."""
        if not self._take(False):
            return
        while (following := self._next()) is not None:
            try:
                self._workers.submit(self._drain, *following)
                return
            except LifecycleError:
                following[0].refuse()

    def _next(self) -> tuple[Job, int] | None:
        """The first job in the queue, for who holds the turn; None where a waiter has it now, or nobody."""
        with self._lock:
            if not self._waiting:
                if not self._closed:
                    self._free()
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
