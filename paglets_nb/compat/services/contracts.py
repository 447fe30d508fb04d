"""Typed operations, service contracts and leases."""

from __future__ import annotations

from paglets_nb.services.contracts import (
    EmptyPayload,
    ServiceContract,
    ServiceHandle,
    ServiceOperation,
    ServiceRecord,
    ServiceScope,
)
from paglets_nb.services.resident import ServiceLease

__all__ = [
    "EmptyPayload",
    "ServiceContract",
    "ServiceHandle",
    "ServiceLease",
    "ServiceOperation",
    "ServiceRecord",
    "ServiceScope",
]
