"""Telling the person at the notebook, through whoever provides the user-info service.

Owns the paglet's side; a notification that cannot be delivered never fails its sender.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from paglets_nb.core.paglet import Paglet
from paglets_nb.services.contracts import ServiceScope
from paglets_nb.services.user_info import NOTIFY_USER, USER_INFO, NotificationSeverity, UserInfoRequest

__all__ = ["NotificationMixin", "NotificationSeverity"]

if TYPE_CHECKING:
    _Base = Paglet[Any]
else:
    _Base = object


class NotificationMixin(_Base):
    """Notifies the user. Put it before the paglet's class."""

    def notify_user_info(
        self,
        severity: NotificationSeverity | str,
        title: str,
        message: str,
        *,
        job_id: str = "",
        timeout: float = 2.0,
        scope: ServiceScope = ServiceScope.MESH,
        metadata: Mapping[str, Any] | None = None,
    ) -> bool:
        """Show the user a notification.

        Args:
            severity: how much it matters.
            title: one line.
            message: what happened.
            job_id: what it belongs to; empty for nothing.
            timeout: seconds to find the service and to deliver.
            scope: how far to look for the service.
            metadata: further plain values.

        Returns:
            Whether it was delivered. No failure is an exception: not an unattached paglet,
            no service, a dead one, nor content that cannot travel.
        """
        try:
            deadline = time.monotonic() + timeout
            request = UserInfoRequest(
                NotificationSeverity(severity).value,
                title,
                message,
                self.agent_id,
                job_id,
                time.time(),
                dict(metadata or {}),
            )
            handle = self.require_contract(USER_INFO, scope=scope)
            reply = handle.call(NOTIFY_USER, request, timeout=max(0.05, deadline - time.monotonic()))
            return bool(reply.delivered)
        except Exception:  # a notification is never worth its sender's failure
            return False
