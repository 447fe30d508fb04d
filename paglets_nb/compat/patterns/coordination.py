"""Fan-out over a mesh, and drains by cursor."""

from __future__ import annotations

from paglets_nb.patterns.coordination import ChildRoleState, CursorDrainMixin, MeshFanoutMixin, MeshFanoutState

__all__ = [
    "ChildRoleState",
    "CursorDrainMixin",
    "MeshFanoutMixin",
    "MeshFanoutState",
]
