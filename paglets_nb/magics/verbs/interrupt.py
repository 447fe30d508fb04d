"""``%paglet interrupt HOST ...``."""

from __future__ import annotations

from paglets_nb.magics.parser import Arguments, LineVerb, VerbParser
from paglets_nb.magics.session import Session

__all__ = ["VERB"]


def configure(parser: VerbParser) -> None:
    """Add the arguments."""
    parser.add_argument("hosts", nargs="+", metavar="HOST", help="hosts, also comma-separated, or all")


def run(session: Session, arguments: Arguments) -> None:
    """Interrupt the cells that run there; paglets' handlers are not touched."""
    hosts = [host for host in session.hosts(arguments.hosts) if host.state == "up"]
    for host in hosts:
        host.interrupt()
    session.say(f"interrupted: {', '.join(host.name for host in hosts) or 'none, for none is up'}")


VERB = LineVerb(configure, run)
