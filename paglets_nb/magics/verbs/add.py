"""``%paglet add [N or NAME...]``."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from IPython.core.error import UsageError

from paglets_nb.magics.parser import Arguments, LineVerb, VerbParser, count_or_names
from paglets_nb.magics.progress import progress
from paglets_nb.magics.session import Session
from paglets_nb.mesh.naming import MAX_HOSTS
from paglets_nb.widgets.tables import HostTable

if TYPE_CHECKING:
    from paglets_nb.mesh.mesh import HostHandle

__all__ = ["VERB"]


def configure(parser: VerbParser) -> None:
    """Add the arguments."""
    parser.add_argument(
        "hosts", nargs="*", metavar="N_OR_NAME", help="how many hosts, or their names (default: one, the next in line)"
    )


def run(session: Session, arguments: Arguments) -> HostHandle | HostTable:
    """Start the hosts; one handle, or a list for several."""
    mesh = session.require_mesh()
    wanted = count_or_names(arguments.hosts or ["1"])
    if isinstance(wanted, int) and not 1 <= wanted <= MAX_HOSTS - len(mesh):
        raise UsageError(f"a mesh has up to {MAX_HOSTS} hosts: {MAX_HOSTS - len(mesh)} more may be added, not {wanted}")
    added = []
    for name in [None] * wanted if isinstance(wanted, int) else wanted:
        began = time.monotonic()
        with progress(session.shell, f"starting {name or 'a host'}") as line:
            host = mesh.add_host(name)
            line.finish(f"{host.name} is up (pid {host.pid}) in {time.monotonic() - began:.1f} s")
        added.append(host)
    return added[0] if len(added) == 1 else HostTable(added, mesh.client)


VERB = LineVerb(configure, run, interrupted="the host was not added")
