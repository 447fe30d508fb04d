"""``%paglet ls [--on HOST]``."""

from __future__ import annotations

from paglets_nb.magics.parser import NOTHING_LOST, Arguments, LineVerb, VerbParser
from paglets_nb.magics.session import Session
from paglets_nb.widgets.tables import PagletTable

__all__ = ["VERB"]


def configure(parser: VerbParser) -> None:
    """Add the arguments."""
    parser.add_argument("--on", metavar="HOST", help="only the paglets of this host")


def run(session: Session, arguments: Arguments) -> PagletTable:
    """The paglets' proxies, as a list that shows as a table."""
    mesh = session.require_mesh()
    on = session.host(arguments.on).name if arguments.on else ""
    if not on:
        session.tell_asleep()
    return PagletTable(session.listing(on), mesh.client)


VERB = LineVerb(configure, run, interrupted=NOTHING_LOST)
