"""``%paglet dispose PAGLET ...``."""

from __future__ import annotations

from paglets_nb.magics.parser import Arguments, LineVerb, VerbParser, seconds
from paglets_nb.magics.progress import waiting
from paglets_nb.magics.session import Session

__all__ = ["VERB"]


def configure(parser: VerbParser) -> None:
    """Add the arguments."""
    parser.add_argument("paglets", nargs="+", metavar="PAGLET", help="names, ids or their starts, or variables")
    parser.add_argument("--timeout", metavar="SECONDS", type=seconds, help="for each, until it is idle (60)")


def run(session: Session, arguments: Arguments) -> None:
    """End the paglets, all of them found before the first one ends."""
    proxies = session.paglets(arguments.paglets)
    for proxy in proxies:
        with waiting(session.shell, f"ending {session.label(proxy)}: waiting until it is idle"):
            proxy.dispose(timeout=arguments.timeout)
    session.say(f"disposed: {', '.join(session.label(proxy) for proxy in proxies)}")


VERB = LineVerb(configure, run)
