"""The service that shows notifications to the user."""

from __future__ import annotations

from paglets_nb.services.user_info import NOTIFY_USER, USER_INFO, NotificationSeverity, UserInfoReply, UserInfoRequest

__all__ = [
    "NOTIFY_USER",
    "USER_INFO",
    "NotificationSeverity",
    "UserInfoReply",
    "UserInfoRequest",
]
