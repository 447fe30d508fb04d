"""The host's provider of user-info: takes what paglets tell the person, and passes it on.

In a mesh that somebody holds, a notification becomes a host event, which the mesh's owner
reads and shows. A host that nobody reads writes it to stderr.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from typing import Any

from paglets_nb.core.messages import Message
from paglets_nb.core.paglet import Paglet
from paglets_nb.core.state import PagletState
from paglets_nb.core.turns import current_origin
from paglets_nb.services.contracts import ServiceScope
from paglets_nb.services.resident import ResidentServiceSpec
from paglets_nb.services.user_info import (
    NOTIFY_USER,
    USER_INFO,
    NotificationSeverity,
    UserInfoReply,
    UserInfoRequest,
)

__all__ = ["NOTIFICATION", "SHOWN_BY_MESH", "USER_INFO_SERVICE", "UserInfoService", "notification_line"]

NOTIFICATION = "notification"
"""The kind of event."""
SHOWN_BY_MESH = "paglets_nb.notifications_shown_by_mesh"
"""The host's property that says that the mesh's owner shows notifications."""
_IDLE = 60.0


def notification_line(host_name: str, details: Mapping[str, Any]) -> str:
    """A notification as a line of text, or more where its message has more; without control characters."""
    severity = str(details.get("severity", "")) or NotificationSeverity.INFO.value
    mark = "" if severity == NotificationSeverity.INFO.value else f"{severity.upper()} "
    parts = [str(part) for part in (details.get("title"), details.get("message")) if part]
    text = "".join(sign if sign.isprintable() or sign in "\n\t" else "\ufffd" for sign in ": ".join(parts))
    return f"[{host_name}] {mark}{text}"


class UserInfoService(Paglet[PagletState]):
    """Provides ``USER_INFO`` on one host."""

    def handle_message(self, message: Message) -> Any:
        """``notify``, and nothing else."""
        return USER_INFO.route(message, {NOTIFY_USER: self.notify}, default=self.not_handled)

    def operation_names(self) -> list[str]:
        """The contract's operations."""
        return list(USER_INFO.capabilities)

    def notify(self, request: UserInfoRequest) -> UserInfoReply:
        """Pass a notification on."""
        host = self.context.host
        severity = NotificationSeverity(request.severity).value
        details = {
            "severity": severity,
            "title": request.title,
            "message": request.message,
            "job_id": request.job_id,
            "sent_at": request.timestamp or time.time(),
            "cell": current_origin(),
            "metadata": request.metadata,
        }
        number = host.events.record(NOTIFICATION, request.source_agent_id, **details)
        if not host.properties.get(SHOWN_BY_MESH):
            sys.stderr.write(f"{notification_line(host.name, details)}\n")
            sys.stderr.flush()
        return UserInfoReply(True, str(number))


USER_INFO_SERVICE = ResidentServiceSpec(USER_INFO, UserInfoService, scope=ServiceScope.MESH, idle_timeout=_IDLE)
"""What every host provides from the first notification on."""
