"""``%paglet up [N or NAME...]``."""

from __future__ import annotations

import threading
import time
from typing import Any

from IPython.core.error import UsageError

from paglets_nb.magics.parser import Arguments, LineVerb, VerbParser
from paglets_nb.magics.progress import ProgressLine
from paglets_nb.magics.session import Session
from paglets_nb.widgets.pictures import mesh_label

__all__ = ["VERB"]


def configure(parser: VerbParser) -> None:
    """Add the arguments."""
    parser.add_argument("hosts", nargs="*", metavar="N_OR_NAME", help="how many hosts, or their names (default: 2)")
    parser.add_argument("--engine", default="local", choices=["local"], help="what starts the hosts")
    parser.add_argument("--name", metavar="NAME", help="the mesh's name")
    parser.add_argument(
        "--detach", action="store_true", help="it goes on when the notebook ends (see: %%paglet attach)"
    )


def _wanted(words: list[str]) -> int | list[str]:
    if not words:
        return 2
    if len(words) == 1 and words[0].removeprefix("-").isdecimal():
        return int(words[0])
    return [name for word in words for name in str(word).split(",") if name]


def run(session: Session, arguments: Arguments) -> Any:
    """Start the mesh, telling how far it is."""
    if session.mesh is not None and session.mesh.running:
        running = [handle.name for handle in session.mesh.hosts()]
        if _wanted(arguments.hosts) in (len(running), running):
            if arguments.detach and not session.mesh.outlives:
                raise UsageError("a mesh is up already, and ends with the notebook unless you: %paglet detach")
            session.say(f"{mesh_label(session.mesh.name)} is up already")
            return session.mesh
        names = ", ".join(running)
        raise UsageError(f"a mesh is up already ({names}); stop it first with: %paglet down")
    from paglets_nb.mesh.mesh import Mesh

    wanted = _wanted(arguments.hosts)
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
    line.finish(f"{mesh_label(mesh.name)} is up: {count} host{'s' * (count != 1)} in {took:.1f} s{goes_on}")
    session.tell_asleep()
    return mesh


VERB = LineVerb(configure, run, interrupted="the mesh did not start")
