"""Paglets and their state."""

from __future__ import annotations

from paglets_nb.core.context import PagletContext
from paglets_nb.core.paglet import Paglet
from paglets_nb.core.state import PagletState, state_locked
from paglets_nb.core.values import ACTIVE, INACTIVE

__all__ = [
    "ACTIVE",
    "INACTIVE",
    "Paglet",
    "PagletContext",
    "PagletState",
    "state_locked",
]
