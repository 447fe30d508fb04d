"""The user-info service: what a paglet tells the person at the notebook.

Owns the contract and its types. Who provides it, and how a notification is shown, is
for upper rooms to say.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from paglets_nb.services.contracts import ServiceContract, ServiceOperation

__all__ = ["NOTIFY_USER", "USER_INFO", "NotificationSeverity", "UserInfoReply", "UserInfoRequest"]


class NotificationSeverity(StrEnum):
    """How much a notification matters."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True)
class UserInfoRequest:
    """One notification.

    Attributes:
        severity: the value of a ``NotificationSeverity``.
        title: one line.
        message: what happened, any length.
        source_agent_id: the paglet that speaks; empty from outside.
        job_id: what the notification belongs to, e.g. a transfer; empty for nothing.
        timestamp: POSIX seconds of its making.
        metadata: further plain values.
    """

    severity: str = NotificationSeverity.INFO.value
    title: str = ""
    message: str = ""
    source_agent_id: str = ""
    job_id: str = ""
    timestamp: float = 0.0
    metadata: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class UserInfoReply:
    """What became of a notification.

    Attributes:
        delivered: whether it was taken.
        notification_id: its number at the provider; empty where it keeps none.
    """

    delivered: bool = True
    notification_id: str = ""


NOTIFY_USER = ServiceOperation("notify", UserInfoRequest, UserInfoReply)
USER_INFO = ServiceContract("user-info", (NOTIFY_USER,), version="1")
