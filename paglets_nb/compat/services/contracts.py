"""Typed operations and service contracts."""

from __future__ import annotations

from paglets_nb.services.contracts import (
    EmptyPayload,
    ServiceContract,
    ServiceHandle,
    ServiceOperation,
    ServiceRecord,
    ServiceScope,
)

__all__ = [
    "EmptyPayload",
    "ServiceContract",
    "ServiceHandle",
    "ServiceOperation",
    "ServiceRecord",
    "ServiceScope",
]
