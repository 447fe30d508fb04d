"""``%paglet add [NAME ...]``."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from paglets_nb.magics.parser import Arguments, LineVerb, VerbParser
from paglets_nb.magics.progress import progress
from paglets_nb.magics.session import Session
from paglets_nb.widgets.tables import HostTable

if TYPE_CHECKING:
    from paglets_nb.mesh.mesh import HostHandle

__all__ = ["VERB"]


def configure(parser: VerbParser) -> None:
    """Add the arguments."""
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="the new hosts' names (default: one, the next in line)"
    )


def run(session: Session, arguments: Arguments) -> HostHandle | HostTable:
    """Start the hosts; one handle, or a list for several."""
    mesh = session.require_mesh()
    names: list[str | None] = [name for word in arguments.names for name in str(word).split(",") if name]
    added = []
    for name in names or [None]:
        began = time.monotonic()
        with progress(session.shell, f"starting {name or 'a host'}") as line:
            host = mesh.add_host(name)
            line.finish(f"{host.name} is up (pid {host.pid}) in {time.monotonic() - began:.1f} s")
        added.append(host)
    return added[0] if len(added) == 1 else HostTable(added, mesh.client)


VERB = LineVerb(configure, run, interrupted="the host was not added")
