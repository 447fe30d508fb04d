"""On which terms a paglet sleeps."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

__all__ = ["DeactivationPolicy", "DeactivationRequest"]


@dataclass(frozen=True)
class DeactivationPolicy:
    """What wakes a deactivated paglet, and what becomes of its messages.

    Attributes:
        activate_on_message: a message wakes it.
        queue_messages_when_inactive: messages that do not wake it wait in the store.
        activate_on_startup: it wakes when its host starts.
        activate_at: POSIX seconds at which it wakes; None for never.
    """

    activate_on_message: bool = True
    queue_messages_when_inactive: bool = True
    activate_on_startup: bool = False
    activate_at: float | None = None

    def after(self, seconds: float) -> DeactivationPolicy:
        """The same policy, waking ``seconds`` from now."""
        return replace(self, activate_at=time.time() + seconds)


@dataclass(frozen=True)
class DeactivationRequest:
    """What a paglet is asked when it is about to be deactivated.

    Attributes:
        reason: who or what wants it to sleep.
        policy: the terms proposed.
    """

    reason: str = ""
    policy: DeactivationPolicy = DeactivationPolicy()
