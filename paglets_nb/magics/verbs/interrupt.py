"""``%paglet interrupt HOST ...``."""

from __future__ import annotations

from paglets_nb.magics.parser import Arguments, LineVerb, VerbParser
from paglets_nb.magics.session import Session
from paglets_nb.widgets.panel_rows import interrupted

__all__ = ["VERB"]


def configure(parser: VerbParser) -> None:
    """Add the arguments."""
    parser.add_argument("hosts", nargs="+", metavar="HOST", help="hosts, also comma-separated, or all")


def run(session: Session, arguments: Arguments) -> None:
    """Interrupt the cells that run there, and say how many that were; paglets' handlers are not touched."""
    session.say(
        "; ".join(
            interrupted(host.name, host.interrupt()) if host.state == "up" else f"{host.name} is not up"
            for host in session.hosts(arguments.hosts)
        )
    )


VERB = LineVerb(configure, run)
