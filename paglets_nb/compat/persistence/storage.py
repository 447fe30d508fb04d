"""Storage that the paglets of a class share on a host."""

from __future__ import annotations

from paglets_nb.core.paglet_files import PersistentStorage
from paglets_nb.errors import StorageQuotaError

__all__ = [
    "PersistentStorage",
    "StorageQuotaError",
]
