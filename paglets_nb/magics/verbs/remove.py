"""``%paglet remove HOST [--no-drain] [--timeout SECONDS]``."""

from __future__ import annotations

from paglets_nb.magics.parser import Arguments, LineVerb, VerbParser, seconds
from paglets_nb.magics.progress import progress
from paglets_nb.magics.session import Session
from paglets_nb.widgets.tables import PagletTable

__all__ = ["VERB"]


def configure(parser: VerbParser) -> None:
    """Add the arguments."""
    parser.add_argument("host", metavar="HOST", help="which host ends")
    parser.add_argument("--no-drain", action="store_true", help="do not move its paglets away; they end with it")
    parser.add_argument("--timeout", metavar="SECONDS", type=seconds, help="for each paglet to come to rest (60)")


def run(session: Session, arguments: Arguments) -> PagletTable:
    """End the host; the paglets that were moved away."""
    host = session.host(arguments.host)
    mesh = session.require_mesh()
    with progress(session.shell, f"removing {host.name}") as line:
        left = mesh.remove_host(host.name, drain=not arguments.no_drain, timeout=arguments.timeout)
        moved = {proxy.agent_id for proxy in left}
        line.finish(f"{host.name} is removed; {len(moved)} paglet{'s' * (len(moved) != 1)} moved")
    infos = [info for info in mesh.listing() if info.agent_id in moved] if moved else []
    return PagletTable(infos, mesh.client)


VERB = LineVerb(configure, run)
