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
    cells = {host.name: host.interrupt() for host in hosts if host.state in ("up", "silent")}
    told = healths(session.require_mesh().client, hosts)
    session.say(
        "; ".join(
            interrupted(host.name, cells[host.name], silent=told.get(host.name) is None)
            if host.name in cells
            else f"{host.name} is not up"
            for host in hosts
        )
    )


VERB = LineVerb(configure, run)
