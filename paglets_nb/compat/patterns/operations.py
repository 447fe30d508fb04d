"""Typed operations on a paglet."""

from __future__ import annotations

from paglets_nb.patterns.operations import OperationClient, OperationPaglet

__all__ = [
    "OperationClient",
    "OperationPaglet",
]
