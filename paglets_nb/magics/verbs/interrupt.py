"""``%paglet interrupt HOST ...``."""

from __future__ import annotations

from paglets_nb.magics.parser import Arguments, LineVerb, VerbParser
from paglets_nb.magics.session import Session
from paglets_nb.mesh.asking import healths
from paglets_nb.widgets.panel_rows import interrupted

__all__ = ["VERB"]


def configure(parser: VerbParser) -> None:
    """Add the arguments."""
    parser.add_argument("hosts", nargs="+", metavar="HOST", help="hosts, also comma-separated, or all")


def run(session: Session, arguments: Arguments) -> None:
    """Interrupt the cells that run there, and say how many that were; paglets' handlers are not touched."""
    hosts = session.hosts(arguments.hosts)
    cells = {host.name: host.interrupt() for host in hosts}
    told = healths(session.require_mesh().client, hosts)
    session.say(
        "; ".join(
            interrupted(name, count, silent=told[name] is None) if name in told else f"{name} is not up"
            for name, count in cells.items()
        )
    )


VERB = LineVerb(configure, run)
