"""``%paglet up [N or NAME...]``."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError

from paglets_nb.magics.parser import Arguments, LineVerb, VerbParser, count_or_names
from paglets_nb.magics.progress import ProgressLine
from paglets_nb.magics.session import Session
from paglets_nb.widgets.pictures import mesh_label

if TYPE_CHECKING:
    from paglets_nb.mesh.mesh import Mesh

__all__ = ["VERB"]


def configure(parser: VerbParser) -> None:
    """Add the arguments."""
    parser.add_argument("hosts", nargs="*", metavar="N_OR_NAME", help="how many hosts, or their names (default: 2)")
    parser.add_argument("--engine", default="local", choices=["local"], help="what starts the hosts")
    parser.add_argument("--name", metavar="NAME", help="the mesh's name")
    parser.add_argument(
        "--detach", action="store_true", help="it goes on when the notebook ends (see: %%paglet attach)"
    )


def _up_already(session: Session, mesh: Mesh, arguments: Arguments) -> Mesh:
    """The mesh that is up; UsageError where another one is wanted."""
    running = [handle.name for handle in mesh.hosts()]
    if arguments.name not in (None, mesh.name):
        raise UsageError(
            f"{mesh_label(mesh.name)} is up already, not one named {str(arguments.name)!r}; "
            "stop it first with: %paglet down, or let go of it with: %paglet detach"
        )
    if count_or_names(arguments.hosts or ["2"]) not in (len(running), running):
        raise UsageError(f"a mesh is up already ({', '.join(running)}); stop it first with: %paglet down")
    if arguments.detach and not mesh.outlives:
        raise UsageError("a mesh is up already, and ends with the notebook unless you: %paglet detach")
    session.say(f"{mesh_label(mesh.name)} is up already")
    return mesh


def _came_back(mesh: Mesh) -> str:
    """How many paglets it found that were stored, in words; empty where it found none."""
    count = len(mesh.listing()) if mesh.data_dir is not None else 0
    return f"; {count} paglet{'s' * (count != 1)} came back" if count else ""


def run(session: Session, arguments: Arguments) -> Any:
    """Start the mesh, telling how far it is."""
    if session.mesh is not None and session.mesh.running:
        return _up_already(session, session.mesh, arguments)
    from paglets_nb.mesh.mesh import Mesh

    wanted = count_or_names(arguments.hosts or ["2"])
    mesh = Mesh(wanted, name=arguments.name, engine=arguments.engine, detach=arguments.detach)
    count = wanted if isinstance(wanted, int) else len(wanted)
    line = ProgressLine(session.shell)
    line.update(f"starting {count} host{'s' * (count != 1)} ...")
    lock, up = threading.Lock(), []

    def tell(handle: Any) -> None:
        with lock:
            up.append(f"{handle.name} (pid {handle.pid})")
            line.update(f"{len(up)} of {count} up: {', '.join(up)}")

    began = time.monotonic()
    try:
        mesh.start(tell)
    except BaseException:
        line.update("the mesh did not start")
        raise
    session.mesh = mesh
    goes_on = f"; it goes on without the notebook, see: %paglet attach {mesh.name}" if arguments.detach else ""
    took = time.monotonic() - began
    hosts = f"{count} host{'s' * (count != 1)} in {took:.1f} s"
    line.finish(f"{mesh_label(mesh.name)} is up: {hosts}{_came_back(mesh)}{goes_on}")
    session.tell_asleep()
    return mesh


VERB = LineVerb(configure, run, interrupted="the mesh did not start")
