"""What the mesh knows of its hosts."""

from __future__ import annotations

from paglets_nb.core.references import HostRef

__all__ = [
    "HostRef",
]
