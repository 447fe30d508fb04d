"""``%paglet activate PAGLET ...``."""

from __future__ import annotations

from paglets_nb.core.proxy import PagletProxy
from paglets_nb.magics.parser import Arguments, LineVerb, VerbParser, seconds
from paglets_nb.magics.session import Session

__all__ = ["VERB"]


def configure(parser: VerbParser) -> None:
    """Add the arguments."""
    parser.add_argument("paglets", nargs="+", metavar="PAGLET", help="names, ids or their starts, or variables")
    parser.add_argument("--timeout", metavar="SECONDS", type=seconds, help="for each of them (60)")


def run(session: Session, arguments: Arguments) -> PagletProxy | list[PagletProxy]:
    """Wake the paglets; one that is awake stays so."""
    proxies = session.paglets(arguments.paglets)
    for proxy in proxies:
        proxy.activate(timeout=arguments.timeout)
    return proxies[0] if len(proxies) == 1 else proxies


VERB = LineVerb(configure, run)
