"""``%paglet dispatch PAGLET HOST``."""

from __future__ import annotations

from paglets_nb.core.proxy import PagletProxy
from paglets_nb.magics.parser import Arguments, LineVerb, VerbParser, seconds
from paglets_nb.magics.progress import waiting
from paglets_nb.magics.session import Session

__all__ = ["VERB"]


def configure(parser: VerbParser) -> None:
    """Add the arguments."""
    parser.add_argument("paglet", metavar="PAGLET", help="a name, an id or its start, or a variable")
    parser.add_argument("host", metavar="HOST", help="where it goes")
    parser.add_argument("--timeout", metavar="SECONDS", type=seconds, help="for its turn, and for the transfer (60)")


def run(session: Session, arguments: Arguments) -> PagletProxy:
    """Move the paglet; its proxy follows it."""
    proxy = session.paglet(arguments.paglet)
    target = session.host(arguments.host).name
    doing = f"moving {session.label(proxy)} to {target}, once it has done what it does now"
    with waiting(session.shell, doing):
        return proxy.dispatch(target, timeout=session.deadline.left())


VERB = LineVerb(configure, run)
