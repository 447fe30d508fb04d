"""Notifications: what the paglets of a mesh tell the person, read from the hosts and shown.

They are shown in the cell on whose behalf they were sent. The last ``KEPT`` stay here.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from paglets_nb.errors import PagletError
from paglets_nb.host.client import HostClient
from paglets_nb.host.event_pages import EventPage, EventsRequest, HostEvent
from paglets_nb.host.user_info import NOTIFICATION, notification_line
from paglets_nb.mesh.followers import Follower, HostAddress, Hosts, ask_events
from paglets_nb.mesh.sinks import TextSink, cell_sink
from paglets_nb.services.user_info import NotificationSeverity

__all__ = ["Notification", "Notifications", "show_notification"]

KEPT = 1000


@dataclass(frozen=True)
class Notification:
    """One notification, as it reached the mesh's owner.

    Attributes:
        number: counts up from 1.
        host_name: where it was sent.
        agent_id: the paglet that sent it; empty from outside.
        severity: the value of a ``NotificationSeverity``.
        title: one line.
        message: what happened.
        job_id: what it belongs to; empty for nothing.
        timestamp: POSIX seconds of its making.
        cell: the notebook cell on whose behalf it was sent; empty when unknown.
        metadata: further plain values.
    """

    number: int
    host_name: str
    agent_id: str
    severity: str
    title: str
    message: str
    job_id: str = ""
    timestamp: float = 0.0
    cell: str = ""
    metadata: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return notification_line(
            self.host_name, {"severity": self.severity, "title": self.title, "message": self.message}
        )


def show_notification(notification: Notification) -> None:
    """Write a notification to its cell; to this process's own output where the cell is unknown."""
    severity = notification.severity
    sink = cell_sink(notification.cell, notification.host_name)
    if sink is None or isinstance(sink, TextSink):  # a TextSink would name the host once more
        out = sys.stdout if severity == NotificationSeverity.INFO.value else sys.stderr
        out.write(f"{notification}\n")
        out.flush()
    else:
        failed = severity == NotificationSeverity.ERROR.value  # a page shows stderr as it does failures
        sink.stream("stderr" if failed else "stdout", f"{notification}\n")


class Notifications:
    """The notifications of one mesh.

    Args:
        client: speaks to the hosts.
        hosts: lists those that are up.
        show: shows each as it comes, on the loop's thread; None for nothing.
    """

    def __init__(
        self,
        client: Callable[[], HostClient],
        hosts: Hosts,
        show: Callable[[Notification], None] | None = show_notification,
    ) -> None:
        self.show = show
        self._client = client
        self._hosts = hosts
        self._changed = threading.Condition(threading.Lock())
        self._kept: deque[Notification] = deque(maxlen=KEPT)
        self._count = 0
        self._listeners: list[Callable[[Notification], None]] = []
        self._follower: Follower | None = None
        self._shown: dict[str, tuple[int, str]] = {}
        self._shown_from = 0.0

    def start(self, shown_from: float = 0.0) -> None:
        """Begin to read the hosts.

        Args:
            shown_from: those from before, in POSIX seconds on the host's clock, are kept and not shown.
        """
        with self._changed:
            self._shown_from = shown_from
            if self._follower is None:
                request = EventsRequest(kinds=(NOTIFICATION,), messages=False)
                self._follower = Follower(self._client(), self._hosts, self._take, request)
                self._follower.start()

    def close(self) -> None:
        """Read no more; what is kept stays."""
        with self._changed:
            follower, self._follower = self._follower, None
        if follower is not None:
            follower.stop()

    def list(self, since: int = 0) -> list[Notification]:
        """Those numbered above ``since`` that are kept, oldest first."""
        with self._changed:
            return [notification for notification in self._kept if notification.number > since]

    def wait(self, since: int = 0, timeout: float = 10.0) -> bool:
        """Wait for one numbered above ``since``; False when none came in ``timeout`` seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: self._count > since, timeout)

    def sync(self, timeout: float = 0.5) -> None:
        """Wait until what the hosts have been told so far has been shown here, at most ``timeout`` seconds."""
        if self._follower is None:
            return
        deadline = time.monotonic() + timeout
        for host in self._hosts():
            with suppress(PagletError, OSError):  # one that is gone tells nothing
                self._sync_host(host, deadline)

    def _sync_host(self, host: HostAddress, deadline: float) -> None:
        since, log_id = self._shown.get(host.name, (0, ""))
        request = EventsRequest(since, kinds=(NOTIFICATION,), messages=False, log_id=log_id)
        page: EventPage = ask_events(self._client(), host.url, request).get_reply(max(0.0, deadline - time.monotonic()))
        if page.events:
            last = page.events[-1].number
            with self._changed:
                self._changed.wait_for(
                    lambda: self._shown.get(host.name, (0, ""))[1] == page.log_id and self._shown[host.name][0] >= last,
                    max(0.0, deadline - time.monotonic()),
                )

    def add_listener(self, listener: Callable[[Notification], None]) -> Callable[[], None]:
        """Call ``listener`` with each as it comes, on the loop's thread; it must not block.

        Returns:
            Takes it off again.
        """
        with self._changed:
            self._listeners.append(listener)

        def remove() -> None:
            with self._changed:
                if listener in self._listeners:
                    self._listeners.remove(listener)

        return remove

    def _take(self, host_name: str, page: EventPage) -> None:
        for event in page.events:
            self._add(self._notification(0, host_name, event), hidden=event.timestamp < self._shown_from)
        with self._changed:
            self._shown[host_name] = page.next_since, page.log_id
            self._changed.notify_all()

    def tell(self, host_name: str, severity: NotificationSeverity, title: str, message: str) -> None:
        """Take one that the mesh itself has to tell of a host, and show it; from any thread."""
        self._add(Notification(0, host_name, "", severity.value, title, message, timestamp=time.time()))

    def _add(self, notification: Notification, *, hidden: bool = False) -> None:
        """Number one, keep it and hand it on."""
        with self._changed:
            self._count += 1
            notification = replace(notification, number=self._count)
            self._kept.append(notification)
            tell = [*self._listeners, *([] if hidden or self.show is None else [self.show])]
            self._changed.notify_all()
        for listener in tell:
            try:
                listener(notification)
            except Exception:  # one that fails must not keep the next from being shown
                logging.getLogger(__name__).exception("a notification could not be shown")

    @staticmethod
    def _notification(number: int, host_name: str, event: HostEvent) -> Notification:
        details = event.details
        return Notification(
            number,
            host_name,
            event.agent_id,
            str(details.get("severity", "")),
            str(details.get("title", "")),
            str(details.get("message", "")),
            str(details.get("job_id", "")),
            float(details.get("sent_at", 0.0)) or event.timestamp,
            str(details.get("cell", "")),
            dict(details.get("metadata") or {}),
        )
