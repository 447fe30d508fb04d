"""``%paglet attach [NAME]``."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError

from paglets_nb.magics.parser import Arguments, LineVerb, VerbParser
from paglets_nb.magics.progress import progress
from paglets_nb.magics.session import Session
from paglets_nb.mesh.sinks import inherit_cells
from paglets_nb.widgets.pictures import mesh_label, state_label

if TYPE_CHECKING:
    from paglets_nb.host.protocol import PagletInfo
    from paglets_nb.mesh.mesh import Mesh

__all__ = ["VERB"]

_PATIENCE = 1.0
"""Seconds that tasks and drains have to answer."""
_NAMED = 5
"""Drains that are named."""
_LOST = ", without its paglets that were not durable"


def configure(parser: VerbParser) -> None:
    """Add the arguments."""
    parser.add_argument("name", nargs="?", metavar="MESH", help="its name; needed where there are several")


def _ago(seconds: float) -> str:
    for size, unit in ((86_400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def _going_on(mesh: Mesh, listing: list[PagletInfo], cursors: Mapping[tuple[str, str], int]) -> list[str]:
    """The tasks that run, and the drains that hold events which were not read."""
    from paglets_nb.widgets.paglet_news import PagletNews

    hosts: dict[str, list[PagletInfo]] = {}
    for info in listing:
        hosts.setdefault(info.host_name, []).append(info)
    news = PagletNews(mesh, cursors).round(hosts, patience=_PATIENCE)
    running = sum(told.running for told in news.values())
    parts = [f"{running} task{'s' * (running != 1)} run{'s' * (running == 1)}"] if running else []
    missed = [(info, news[info.agent_id]) for info in listing if info.agent_id in news and news[info.agent_id].events]
    for info, told in missed[:_NAMED]:
        events = f"{told.events} event{'s' * (told.events != 1)}"
        parts.append(f"{info.name or info.agent_id} has {events} after cursor {told.cursor}")
    if len(missed) > _NAMED:
        parts.append(f"{len(missed) - _NAMED} more have events")
    return parts


def _found(mesh: Mesh, cursors: Mapping[tuple[str, str], int]) -> str:
    """What there is, and what is not as it was."""
    listing, hosts = mesh.listing(), mesh.hosts()
    counts = f"{len(hosts)} host{'s' * (len(hosts) != 1)}, {len(listing)} paglet{'s' * (len(listing) != 1)}"
    alone = f"; nobody was attached for {_ago(time.time() - mesh.alone_since)}" if mesh.alone_since else ""
    news = [f"{host.name} {state_label(host)}{_LOST if host.restarts else ''}" for host in hosts if host.reason]
    lines = [*_going_on(mesh, listing, cursors), *news]
    return f"{mesh_label(mesh.name)} is attached: {counts}{alone}" + "".join(f"; {line}" for line in lines)


def run(session: Session, arguments: Arguments) -> Any:
    """Take up the mesh; this cell shows what paglets print on behalf of cells that are lost."""
    if session.mesh is not None and session.mesh.running:
        raise UsageError(
            f"{mesh_label(session.mesh.name)} is up; let go of it first with: %paglet detach, "
            "or end it with: %paglet down"
        )
    from paglets_nb.mesh.mesh import Mesh
    from paglets_nb.mesh.runtime_files import only_detached

    name = only_detached() if arguments.name is None else str(arguments.name)
    lock, there = threading.Lock(), []
    with progress(session.shell, f"attaching {mesh_label(name)}") as line:

        def tell(handle: Any) -> None:
            with lock:
                there.append(f"{handle.name} {handle.state}")
                line.update(f"attaching {mesh_label(name)}: {', '.join(there)}")

        inherit_cells(session.parent() or None)
        mesh = Mesh.attach(name, tell)
        session.mesh = mesh
        session.cursors.update(mesh.kept_cursors())
        line.finish(_found(mesh, session.cursors))
    return mesh


VERB = LineVerb(configure, run)
