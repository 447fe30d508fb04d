"""``%paglet down``."""

from __future__ import annotations

from paglets_nb.magics.parser import Arguments, LineVerb, VerbParser
from paglets_nb.magics.session import Session
from paglets_nb.widgets.pictures import mesh_label

__all__ = ["VERB"]


def configure(parser: VerbParser) -> None:
    """It takes no arguments."""


def run(session: Session, arguments: Arguments) -> None:
    """Stop the mesh."""
    mesh = session.require_mesh()
    count = len(mesh)
    session.stop_mesh()
    session.say(f"{mesh_label(mesh.name)} is down ({count} host{'s' * (count != 1)})")


VERB = LineVerb(configure, run, interrupted="see what is left with: %paglet hosts")
