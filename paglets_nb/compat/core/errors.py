"""The errors of the reference."""

from __future__ import annotations

from paglets_nb.errors import (
    AuthenticationError,
    ForbiddenError,
    HostError,
    InvalidAgentError,
    LifecycleError,
    NotHandledError,
    PagletCrashedError,
    PagletError,
    PagletInactiveError,
    RemoteHostError,
    SerializationError,
    ServiceContractError,
    ServiceNotFoundError,
    StorageQuotaError,
    TransferError,
)

__all__ = [
    "AuthenticationError",
    "ForbiddenError",
    "HostError",
    "InvalidAgentError",
    "LifecycleError",
    "NotHandledError",
    "PagletCrashedError",
    "PagletError",
    "PagletInactiveError",
    "RemoteHostError",
    "SerializationError",
    "ServiceContractError",
    "ServiceNotFoundError",
    "StorageQuotaError",
    "TransferError",
]
