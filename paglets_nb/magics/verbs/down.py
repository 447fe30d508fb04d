"""``%paglet down [--forget]``."""

from __future__ import annotations

from paglets_nb.magics.parser import Arguments, LineVerb, VerbParser
from paglets_nb.magics.session import Session
from paglets_nb.widgets.pictures import mesh_label

__all__ = ["VERB"]


def configure(parser: VerbParser) -> None:
    """Add the arguments."""
    parser.add_argument("--forget", action="store_true", help="delete what the mesh has stored, too")


def run(session: Session, arguments: Arguments) -> None:
    """Stop the mesh."""
    mesh = session.require_mesh()
    count = len(mesh)
    session.stop_mesh(forget=arguments.forget)
    forgotten = "; what it had stored is deleted" if arguments.forget else ""
    session.say(f"{mesh_label(mesh.name)} is down ({count} host{'s' * (count != 1)}){forgotten}")


VERB = LineVerb(configure, run, interrupted="see what is left with: %paglet hosts")
