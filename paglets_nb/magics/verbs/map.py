"""``%paglet map``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from paglets_nb.magics.parser import Arguments, LineVerb, VerbParser
from paglets_nb.magics.session import Session

if TYPE_CHECKING:
    from paglets_nb.widgets.mesh_map import MeshMap

__all__ = ["VERB"]


def configure(parser: VerbParser) -> None:
    """It takes no arguments."""


def run(session: Session, arguments: Arguments) -> MeshMap:
    """Show the map, which follows the mesh from now on, and return it."""
    from paglets_nb.widgets.mesh_map import MeshMap

    view = MeshMap(session.require_mesh())
    session.show_view(view)
    return view


VERB = LineVerb(configure, run)
