"""What paglets told, as a list to look at: the latest of each severity, newest first.

Plain values for a view and its still picture; it must not know how a page draws them.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from paglets_nb.services.user_info import NotificationSeverity
from paglets_nb.widgets.markup import clipped
from paglets_nb.widgets.records import NotificationTable, clock_time

if TYPE_CHECKING:
    from paglets_nb.mesh.notifications import Notification

__all__ = ["KEPT_EACH", "SEVERITIES", "Notices", "entry", "whole"]

SEVERITIES = tuple(severity.value for severity in NotificationSeverity)
KEPT_EACH = 100
"""Of each severity, so that many of one sort do not push out the few of another."""
_LINE = 300
_WHOLE = 20_000


def _severity(notification: Notification) -> str:
    found = notification.severity.lower()
    return found if found in SEVERITIES else SEVERITIES[0]


def entry(notification: Notification) -> dict[str, Any]:
    """A notification as one line of the list."""
    return {
        "number": notification.number,
        "severity": _severity(notification),
        "title": clipped(notification.title, _LINE),
        "message": clipped(notification.message, _LINE),
        "clipped": max(len(notification.title), len(notification.message)) > _LINE or bool(notification.metadata),
        "source": notification.host_name,
        "paglet": notification.agent_id,
        "job": clipped(notification.job_id, _LINE),
        "time": clock_time(notification.timestamp).partition(".")[0],
    }


def whole(notification: Notification) -> dict[str, Any]:
    """A notification with everything it says, as far as a page can show it."""
    return {
        "number": notification.number,
        "title": clipped(notification.title, _WHOLE),
        "message": clipped(notification.message, _WHOLE),
        "metadata": [[clipped(str(name), 80), clipped(value, _LINE)] for name, value in notification.metadata.items()],
    }


class Notices:
    """The latest notifications of each severity; safe to use from any thread.

    Args:
        source: gives those numbered above a number, oldest first; ``Notifications.list`` does.
    """

    def __init__(self, source: Callable[[int], Sequence[Notification]]) -> None:
        self._source = source
        self._lock = threading.Lock()
        self._kept: dict[str, deque[Notification]] = {name: deque(maxlen=KEPT_EACH) for name in SEVERITIES}
        self._last = 0
        self.refresh()

    def refresh(self) -> int:
        """Take what has come; the number of the last one that was here before."""
        with self._lock:
            before = self._last
            for notification in self._source(before):
                self._last = notification.number
                self._kept[_severity(notification)].append(notification)
            return before

    def list(self, since: int = 0) -> list[Notification]:
        """Those numbered above ``since``, newest first."""
        with self._lock:
            found = [one for kept in self._kept.values() for one in kept if one.number > since]
        return sorted(found, key=lambda one: one.number, reverse=True)

    def find(self, number: int) -> Notification | None:
        """One by its number; None where it is kept no more."""
        return next((one for one in self.list(number - 1) if one.number == number), None)

    def table(self, severity: str = "") -> NotificationTable:
        """Those of one severity, or of every, oldest first, as a table."""
        return NotificationTable(one for one in reversed(self.list()) if severity in ("", _severity(one)))
