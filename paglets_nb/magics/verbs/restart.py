"""``%paglet restart HOST ...``."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from IPython.core.error import UsageError

from paglets_nb.magics.parser import Arguments, LineVerb, VerbParser
from paglets_nb.magics.progress import progress
from paglets_nb.magics.session import Session
from paglets_nb.mesh.losses import listed_names
from paglets_nb.widgets.tables import HostTable

if TYPE_CHECKING:
    from paglets_nb.mesh.mesh import HostHandle

__all__ = ["VERB"]


def configure(parser: VerbParser) -> None:
    """Add the arguments."""
    parser.add_argument("hosts", nargs="+", metavar="HOST", help="hosts, also comma-separated, or all; dead ones too")


def run(session: Session, arguments: Arguments) -> HostHandle | HostTable:
    """Restart the hosts, one after the other, and say what was lost; one handle, or a list for several."""
    hosts = session.hosts(arguments.hosts)
    for number, host in enumerate(hosts):
        began = time.monotonic()
        try:
            with progress(session.shell, f"restarting {host.name}") as line:
                host.restart()
                lost = f"; lost: {listed_names(host.lost)}" if host.lost else ""
                line.finish(f"{host.name} is up again (pid {host.pid}) in {time.monotonic() - began:.1f} s{lost}")
        except KeyboardInterrupt:
            rest = ", ".join(other.name for other in hosts[number + 1 :])
            rest = f"; not restarted: {rest}" if rest else ""
            raise UsageError(f"interrupted; {host.name} comes up again by itself{rest}") from None
    return hosts[0] if len(hosts) == 1 else HostTable(hosts, session.require_mesh().client)


VERB = LineVerb(configure, run)
