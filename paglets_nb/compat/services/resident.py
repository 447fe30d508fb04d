"""Services that hosts provide by themselves."""

from __future__ import annotations

from paglets_nb.services.resident import ResidentServiceSpec, ResidentStart, ServiceLease

__all__ = [
    "ResidentServiceSpec",
    "ResidentStart",
    "ServiceLease",
]
