"""Files that travel with a paglet."""

from __future__ import annotations

from paglets_nb.patterns.file_mobility import (
    FileMobilityMixin,
    FileTransferArrival,
    FileTransferEndpoint,
    FileTransferMode,
    FileTransferPlan,
    FileTransferRequest,
    FileTransferResult,
    FileTransferSource,
    FileTransferState,
    SingleFileTransferPaglet,
    format_bytes,
)

__all__ = [
    "FileMobilityMixin",
    "FileTransferArrival",
    "FileTransferEndpoint",
    "FileTransferMode",
    "FileTransferPlan",
    "FileTransferRequest",
    "FileTransferResult",
    "FileTransferSource",
    "FileTransferState",
    "SingleFileTransferPaglet",
    "format_bytes",
]
