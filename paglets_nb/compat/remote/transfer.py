"""The terms on which a paglet travels."""

from __future__ import annotations

from paglets_nb.core.tickets import ArrivalMode, TransferTicket

__all__ = [
    "ArrivalMode",
    "TransferTicket",
]
