"""``%paglet info PAGLET``."""

from __future__ import annotations

from paglets_nb.magics.parser import Arguments, LineVerb, VerbParser
from paglets_nb.magics.session import Session
from paglets_nb.widgets.tables import PagletDetails

__all__ = ["VERB"]


def configure(parser: VerbParser) -> None:
    """Add the arguments."""
    parser.add_argument("paglet", metavar="PAGLET", help="a name, an id or its start, or a variable")


def run(session: Session, arguments: Arguments) -> PagletDetails:
    """What its host knows of the paglet."""
    proxy = session.paglet(arguments.paglet)
    return PagletDetails(proxy.info(), tuple(session.require_mesh().operations(proxy)))


VERB = LineVerb(configure, run)
