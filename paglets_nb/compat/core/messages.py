"""Messages and the futures of their replies."""

from __future__ import annotations

from paglets_nb.core.messages import FutureReply, Message, MessageType, ReplySet

__all__ = [
    "FutureReply",
    "Message",
    "MessageType",
    "ReplySet",
]
