"""References to paglets."""

from __future__ import annotations

from paglets_nb.core.references import PagletProxyRef

__all__ = [
    "PagletProxyRef",
]
