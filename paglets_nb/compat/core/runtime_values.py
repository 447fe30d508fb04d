"""Activity constants, default durations, ids."""

from __future__ import annotations

from paglets_nb.core.values import ACTIVE, DEFAULT_TIMEOUT, INACTIVE, new_agent_id, new_message_id

__all__ = [
    "ACTIVE",
    "DEFAULT_TIMEOUT",
    "INACTIVE",
    "new_agent_id",
    "new_message_id",
]
