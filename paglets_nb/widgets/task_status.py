"""Asking many tasks where they stand, again and again, from one thread.

A task that does not answer holds up nobody: what it was asked stays asked, and is not asked
again before. Plain Python; it knows no widget.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable, Mapping
from contextlib import suppress
from typing import Any

from paglets_nb.core.messages import FutureReply
from paglets_nb.core.proxy import PagletProxy
from paglets_nb.errors import PagletError
from paglets_nb.patterns.task_client import TaskHandle, TaskSnapshot
from paglets_nb.patterns.tasks import TASK_STATUS, TaskStatusReply
from paglets_nb.widgets.background import Poller

__all__ = ["StatusAsker", "TaskFollower"]

_PATIENCE = 0.2
"""Seconds that a round waits for the replies."""
_LONGEST = 60.0
"""Seconds after which what is not answered counts as lost."""
_INTERVAL = 0.1
_SILENT = 1.0
"""Seconds after which it is told that a task does not answer."""


class StatusAsker:
    """Asks tasks for their status in rounds."""

    def __init__(self) -> None:
        self._asked: dict[Hashable, tuple[FutureReply, float]] = {}

    def round(self, tasks: Mapping[Hashable, PagletProxy]) -> dict[Hashable, TaskStatusReply | Exception]:
        """Ask each task that is not asked already, and collect what has come.

        Args:
            tasks: their proxies, which are brought up to date when a task has moved.

        Returns:
            The replies that have come, and the errors in the place of others.
        """
        told: dict[Hashable, TaskStatusReply | Exception] = {}
        for key in [key for key in self._asked if key not in tasks]:
            del self._asked[key]
        for key, proxy in tasks.items():
            if key not in self._asked:
                message = TASK_STATUS.to_message(priority=0)
                try:
                    asked = proxy.send_future(message, timeout=_LONGEST, reply_type=TaskStatusReply)
                    self._asked[key] = asked, time.monotonic()
                except (PagletError, OSError) as error:
                    told[key] = error
        deadline = time.monotonic() + _PATIENCE
        for key, (asked, since) in list(self._asked.items()):
            if asked.wait_for_reply(max(0.0, deadline - time.monotonic())) or time.monotonic() > since + _LONGEST:
                del self._asked[key]
                try:
                    told[key] = asked.get_reply(0.0)
                except Exception as error:  # whatever the task's host says is told
                    told[key] = error
        return told

    def silence(self, key: Hashable) -> float:
        """Seconds for which a task has been asked without an answer."""
        asked = self._asked.get(key)
        return 0.0 if asked is None else time.monotonic() - asked[1]


class TaskFollower:
    """Watches a task until it is done or lost, also while it moves; all followers share one thread.

    Args:
        handle: the task.
        on_snapshot: called with each snapshot, at most ten times a second; must not block.
        on_end: called once after the last one, with the error where the task was lost.
        on_silent: called with the seconds for which the task has not answered, once a second.
    """

    def __init__(
        self,
        handle: TaskHandle[Any],
        on_snapshot: Callable[[TaskSnapshot[Any]], None],
        on_end: Callable[[BaseException | None], None],
        on_silent: Callable[[float], None] | None = None,
    ) -> None:
        self.handle = handle
        self._on_snapshot = on_snapshot
        self._on_end = on_end
        self._on_silent = on_silent
        self._ended = threading.Event()
        self._told_silent = 0.0

    def start(self) -> None:
        """Begin to watch."""
        _rounds.add(self)

    def close(self) -> None:
        """Stop watching; the task goes on."""
        if _rounds.remove(self):
            self._end(None)

    def wait(self, timeout: float) -> bool:
        """Wait until it has ended; whether it has within ``timeout`` seconds."""
        return self._ended.wait(timeout)

    # ---- called by the rounds

    def settle(self) -> bool:
        """Whether the end of the task is known without asking; it is told then."""
        try:
            snapshot = self.handle.snapshot() if self.handle.done() else None
        except Exception as lost:  # what the start of the task raised
            self._finish(lost)
            return True
        if snapshot is not None:
            self._take(snapshot)
        return snapshot is not None

    def told(self, reply: TaskStatusReply | Exception) -> None:
        """The task has answered, or is lost."""
        self._told_silent = 0.0
        if isinstance(reply, Exception):
            self._finish(reply)
            return
        self._take(TaskSnapshot.from_reply(reply, self.handle.client.result_type))

    def silent(self, seconds: float) -> None:
        """The task does not answer."""
        if self._on_silent is not None and seconds >= self._told_silent + _SILENT:
            self._told_silent = seconds
            self._on_silent(seconds)

    def _take(self, snapshot: TaskSnapshot[Any]) -> None:
        self._on_snapshot(snapshot)
        if snapshot.done:
            self._finish(None)

    def _finish(self, error: BaseException | None) -> None:
        if _rounds.remove(self):
            self._end(error)

    def _end(self, error: BaseException | None) -> None:
        try:
            self._on_end(error)
        finally:
            self._ended.set()


class _Rounds:
    """The followers, and the thread that goes round them while there are any."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._followers: list[TaskFollower] = []
        self._asker = StatusAsker()
        self._poller: Poller | None = None

    def add(self, follower: TaskFollower) -> None:
        with self._lock:
            self._followers.append(follower)
            if self._poller is None:
                self._poller = Poller(self._round, _INTERVAL)
                self._poller.start()

    def remove(self, follower: TaskFollower) -> bool:
        """Whether it was there."""
        with self._lock:
            if follower not in self._followers:
                return False
            self._followers.remove(follower)
            return True

    def _round(self) -> None:
        with self._lock:
            followers = list(self._followers)
            if not followers and self._poller is not None:
                self._poller.close()
                self._poller = None
        running = {id(follower): follower for follower in followers if not self._do(follower.settle)}
        told = self._asker.round({key: follower.handle.proxy for key, follower in running.items()})
        for key, follower in running.items():
            if (reply := told.get(key)) is not None:
                self._do(follower.told, reply)
            elif (seconds := self._asker.silence(key)) > _SILENT:
                self._do(follower.silent, seconds)

    @staticmethod
    def _do(function: Callable[..., Any], *arguments: Any) -> Any:
        """Call a follower; one that fails must not keep the others from being followed."""
        with suppress(Exception):
            return function(*arguments)


_rounds = _Rounds()
