"""What wakes a deactivated paglet."""

from __future__ import annotations

from paglets_nb.core.policy import DeactivationPolicy, DeactivationRequest

__all__ = [
    "DeactivationPolicy",
    "DeactivationRequest",
]
