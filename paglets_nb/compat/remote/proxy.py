"""The proxy."""

from __future__ import annotations

from paglets_nb.core.proxy import PagletProxy

__all__ = [
    "PagletProxy",
]
