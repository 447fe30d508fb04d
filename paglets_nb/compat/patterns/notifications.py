"""Notifications from paglets."""

from __future__ import annotations

from paglets_nb.patterns.notifications import NotificationMixin, NotificationSeverity

__all__ = [
    "NotificationMixin",
    "NotificationSeverity",
]
