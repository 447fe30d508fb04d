"""A reader of a host's events that says what it missed."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING

from paglets_nb.host.event_pages import EventGap, EventsRequest, HostEvent

if TYPE_CHECKING:
    from paglets_nb.host.event_log import EventLog

__all__ = ["Subscription"]


class Subscription:
    """Events as they happen, with an ``EventGap`` where some were missed; its own queue is the log.

    Args:
        log: what it follows.
        request: from which number, and which events.

    Attributes:
        cursor: the number up to which it has read; a later ``subscribe`` goes on from there.
    """

    def __init__(self, log: EventLog, request: EventsRequest) -> None:
        self.cursor = request.since
        self._log = log
        self._request = request
        self._held: deque[HostEvent | EventGap] = deque()
        self._ended = False

    def get(self, timeout: float | None = None) -> HostEvent | EventGap | None:
        """The next event or gap.

        Args:
            timeout: seconds; None waits until there is one.

        Returns:
            None when nothing came in time, or when it ended.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while not self._held and not self._ended:
            remaining = 1.0 if deadline is None else min(1.0, max(0.0, deadline - time.monotonic()))
            self._fetch(remaining)
            if self._log.closed and not self._held:
                self._fetch(0.0)  # what was recorded just before the end
                break
            if deadline is not None and time.monotonic() >= deadline:
                break
        if not self._held:
            return None
        found = self._held.popleft()
        self.cursor = found.number if isinstance(found, HostEvent) else max(found.after, self.cursor)
        return found

    def _fetch(self, wait: float) -> None:
        request = self._request
        page = self._log.page(
            EventsRequest(request.since, request.limit, wait, request.kinds, request.messages, self._log.log_id)
        )
        if page.gap:
            self._held.append(EventGap(request.since, page.first_number))
        self._held.extend(page.events)
        self._request = EventsRequest(page.next_since, request.limit, 0.0, request.kinds, request.messages)

    def __iter__(self) -> Iterator[HostEvent | EventGap]:
        while not self._ended:
            found = self.get(1.0)
            if found is not None:
                yield found
            elif self._log.closed:
                return

    def close(self) -> None:
        """End it."""
        self._ended = True
        self._held.clear()
