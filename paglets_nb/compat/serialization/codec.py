"""Dataclasses and class names in wire form."""

from __future__ import annotations

from paglets_nb.codec.names import qualified_name, resolve_qualified_name
from paglets_nb.codec.wire import dataclass_from_wire, dataclass_to_wire

__all__ = [
    "dataclass_from_wire",
    "dataclass_to_wire",
    "qualified_name",
    "resolve_qualified_name",
]
