"""What happened on a host: a bounded, numbered log that can be read on from any number.

Messages are many and everything else is rare, so each sort has a ring of its own: traffic
never pushes out the creation of a paglet or a user's notification. A message costs its
handler one tuple; ``HostEvent`` objects are made when somebody reads.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Collection
from itertools import islice, takewhile
from operator import itemgetter
from typing import Any

from paglets_nb.core.values import new_agent_id
from paglets_nb.host.event_pages import DELIVERED, EVENT_VERB, FAILED, KEPT, EventPage, EventsRequest, HostEvent
from paglets_nb.host.subscription import Subscription

__all__ = ["KEPT", "EventLog", "HostEvent", "event_verbs"]

RESERVED = 500
"""Of the events kept, what messages leave to the rest."""
MAX_WAIT = 60.0
_GATHER = 0.1
"""Seconds that readers who wait for messages let them gather, so that traffic does not wake them each time."""
_number = itemgetter(0)


class _Waiter:
    """A reader who waits; woken by what it wants only.

    Args:
        lock: the log's, held wherever this is used.
        kinds: of the steps it wants; empty for all.
        passed: the last number it has seen.

    Attributes:
        passed: the last number of those it need not see.
        told: whether what it wants is there.
    """

    __slots__ = ("_kinds", "arrived", "passed", "told")

    def __init__(self, lock: threading.Lock, kinds: Collection[str], passed: int) -> None:
        self.arrived = threading.Condition(lock)
        self.passed = passed
        self.told = False
        self._kinds = kinds

    def tell(self, number: int, kind: str) -> None:
        """A step was recorded."""
        if self._kinds and kind not in self._kinds:
            if not self.told:
                self.passed = number
            return
        self.told = True
        self.arrived.notify()


class EventLog:
    """The last ``KEPT`` events of a host.

    Args:
        host_name: stands in each event.

    Attributes:
        timed: somebody has read messages, so from now on it is recorded how long handlers ran;
            before that a call does not pay for looking at the clock.
    """

    def __init__(self, host_name: str) -> None:
        self.log_id = new_agent_id()
        self._host_name = host_name
        self._lock = threading.Lock()
        self._waiters: list[_Waiter] = []
        self._count = 0
        self._steps_recorded = 0
        self._steps_count = 0
        # one more than is shown: its number is that of the last event that was dropped
        self._messages: deque[tuple[Any, ...]] = deque(maxlen=KEPT + 1)
        self._steps: deque[tuple[Any, ...]] = deque(maxlen=KEPT + 1)
        self._listeners: tuple[tuple[Callable[[HostEvent], None], bool], ...] = ()
        self._closed = False
        self.timed = False

    # ---- recording

    def record(self, kind: str, agent_id: str, /, **details: Any) -> int:
        """Add an event and tell the listeners; its number."""
        with self._lock:
            self._count = self._steps_count = number = self._count + 1
            self._steps_recorded += 1
            row = (number, kind, agent_id, time.time(), details)
            self._steps.append(row)
            for waiter in self._waiters:
                waiter.tell(number, kind)
        for listener, _messages in self._listeners:
            self._tell(listener, row)
        return number

    def record_message(
        self,
        agent_id: str,
        message: str,
        sender: Any = None,
        error: BaseException | None = None,
        began: float | None = None,
    ) -> None:
        """Add that a message was handled; on the path of every call, so it does no more than it must.

        Args:
            agent_id: who handled it.
            message: its kind.
            sender: a reference to the paglet that sent it; None from outside.
            error: what the handler raised.
            began: when its handler was called, in POSIX seconds; None where nobody looked.
        """
        failure = None if error is None else type(error).__name__
        with self._lock:
            self._count = number = self._count + 1
            row = (number, agent_id, time.time(), message, sender, began, failure)
            self._messages.append(row)
        if self._listeners:
            for listener, messages in self._listeners:
                if messages:
                    self._tell(listener, row)

    def _tell(self, listener: Callable[[HostEvent], None], row: tuple[Any, ...]) -> None:
        try:
            listener(self._event(row))
        except Exception:  # what is told of a step must not undo it
            logging.getLogger(__name__).exception("a listener of %s failed", self._host_name)

    def _event(self, row: tuple[Any, ...]) -> HostEvent:
        if len(row) == 5:
            return HostEvent(row[0], row[1], row[2], self._host_name, row[3], row[4])
        number, agent_id, timestamp, message, sender, began, error = row
        details = {"message": message, "sender": "" if sender is None else sender.agent_id}
        if began is not None:
            details["seconds"] = round(max(0.0, timestamp - began), 6)
        if error is not None:
            details["error"] = error
        return HostEvent(number, DELIVERED if error is None else FAILED, agent_id, self._host_name, timestamp, details)

    def add_listener(self, listener: Callable[[HostEvent], None], *, messages: bool = True) -> Callable[[], None]:
        """Call ``listener`` with each event, in the thread it happens in.

        Args:
            listener: must not block; what it raises is logged.
            messages: whether it wants messages too, each of which it then delays.

        Returns:
            Takes it off again.
        """
        entry = (listener, messages)
        with self._lock:
            self._listeners = (*self._listeners, entry)

        def remove() -> None:
            with self._lock:
                self._listeners = tuple(other for other in self._listeners if other is not entry)

        return remove

    # ---- reading

    def list_events(self, since: int = 0, limit: int | None = None) -> list[HostEvent]:
        """Events numbered above ``since`` that are held, oldest first."""
        return self.page(EventsRequest(since, KEPT if limit is None else limit, log_id=self.log_id)).events

    def page(self, request: EventsRequest) -> EventPage:
        """Answer a request, after waiting for a first event as long as it says."""
        other_log = request.log_id != self.log_id and (bool(request.log_id) or request.since > self._count)
        since = 0 if other_log else request.since
        traffic = request.messages and (not request.kinds or not {DELIVERED, FAILED}.isdisjoint(request.kinds))
        self.timed = self.timed or traffic
        deadline = time.monotonic() + min(request.wait_timeout, MAX_WAIT)
        rows, first_number, last = self._rows(since, request.kinds, traffic)
        gap = other_log or first_number > since + 1
        while not rows:
            waiter = self._wait(last, deadline, request.kinds, traffic)
            since = last = waiter.passed
            if not waiter.told:
                break
            rows, first_number, last = self._rows(since, request.kinds, traffic)
            gap = gap or first_number > since + 1
        if request.all_or_gap and len(rows) > request.limit:
            return EventPage([], last, last + 1, True, self.log_id)
        cut = rows[: max(request.limit, 0)]
        upto = last if len(cut) == len(rows) else cut[-1][0] if cut else since
        events = [self._event(row) for row in cut]
        return EventPage(events, upto, first_number, gap, self.log_id)

    def _wait(self, seen: int, deadline: float, kinds: Collection[str], traffic: bool) -> _Waiter:
        """Wait for a step of these kinds after number ``seen``, or for messages to have gathered."""
        with self._lock:
            waiter = _Waiter(self._lock, () if traffic else kinds, seen)
            waiter.told = self._steps_count > seen
            self._waiters.append(waiter)
            while not self._closed and not waiter.told:
                remaining = deadline - time.monotonic()
                if remaining <= 0:
                    break
                waiter.arrived.wait(min(remaining, _GATHER) if traffic else remaining)
                waiter.told = waiter.told or (traffic and self._count > seen)
            self._waiters.remove(waiter)
            waiter.told = waiter.told and not self._closed
            return waiter

    def _rows(self, since: int, kinds: Collection[str], traffic: bool) -> tuple[list[tuple[Any, ...]], int, int]:
        """What is held after ``since``, from where nothing of it is missing, and the last number given out."""
        rows: list[tuple[Any, ...]] = []
        with self._lock:
            messages_shown = min(len(self._messages), KEPT - min(len(self._steps), RESERVED))
            steps_shown = min(len(self._steps), KEPT - messages_shown)
            rings = [(self._steps, steps_shown), (self._messages, messages_shown)][: 2 if traffic else 1]
            dropped = max(ring[-shown - 1][0] if len(ring) > shown else 0 for ring, shown in rings)
            for ring, shown in rings:  # from the end: a reader who waits has all but the last
                rows.extend(takewhile(lambda row: row[0] > since, islice(reversed(ring), shown)))
            last = self._count
        rows.sort(key=_number)
        if kinds:
            rows = [row for row in rows if self._kind(row) in kinds]
        return rows, dropped + 1, last

    @staticmethod
    def _kind(row: tuple[Any, ...]) -> str:
        if len(row) == 5:
            return str(row[1])
        return DELIVERED if row[-1] is None else FAILED

    def subscribe(
        self, since: int | None = None, *, kinds: Collection[str] = (), messages: bool = True
    ) -> Subscription:
        """Follow the log.

        Args:
            since: the number the subscriber has; None for what happens from now on.
            kinds: only these; empty for all.
            messages: whether messages are wanted.
        """
        with self._lock:
            start = self._count if since is None else since
        return Subscription(self, EventsRequest(start, kinds=tuple(kinds), messages=messages))

    def close(self) -> None:
        """Wake whoever waits; subscriptions end after what is held."""
        with self._lock:
            self._closed = True
            for waiter in self._waiters:
                waiter.arrived.notify()

    @property
    def messages(self) -> int:
        """How many messages were handled so far; they cost no count of their own."""
        with self._lock:
            return self._count - self._steps_recorded

    @property
    def closed(self) -> bool:
        """Whether nothing more will be recorded."""
        return self._closed


def event_verbs(log: EventLog) -> dict[str, tuple[type, Callable[[str, Any], Any]]]:
    """The host's verb that reads its log."""
    return {EVENT_VERB: (EventsRequest, lambda _target, request: log.page(request))}
