"""``%paglet meshes [--forget NAME]``."""

from __future__ import annotations

from IPython.core.error import UsageError

from paglets_nb.magics.boundary import did_you_mean
from paglets_nb.magics.parser import NOTHING_LOST, Arguments, LineVerb, VerbParser
from paglets_nb.magics.session import Session
from paglets_nb.widgets.pictures import mesh_label
from paglets_nb.widgets.records import MeshTable

__all__ = ["VERB"]


def configure(parser: VerbParser) -> None:
    """Add the arguments."""
    parser.add_argument("--forget", metavar="STOPPED", help="delete what this mesh, which is not up, has stored")


def _forget(session: Session, name: str) -> None:
    """Delete what a stopped mesh has stored."""
    from paglets_nb.mesh.known import known_meshes
    from paglets_nb.mesh.mesh import Mesh

    known = {mesh.name: mesh for mesh in known_meshes()}
    if name not in known:
        stopped = [mesh.name for mesh in known.values() if mesh.state == "stopped"]
        listed = ", ".join(stopped) or "none"
        raise UsageError(f"no mesh {name!r} has stored anything (stopped: {listed}){did_you_mean(name, stopped)}")
    if known[name].state != "stopped":
        raise UsageError(
            f"mesh {name!r} is {known[name].standing}, and only a stopped one can be forgotten; "
            "where it is up, %paglet down --forget does both"
        )
    Mesh(name=name).stop(forget=True)
    session.say(f"what {mesh_label(name)} had stored is deleted")


def run(session: Session, arguments: Arguments) -> MeshTable:
    """The meshes, as a list that shows as a table."""
    from paglets_nb.mesh.known import known_meshes

    if arguments.forget is not None:
        _forget(session, str(arguments.forget))
    return MeshTable(known_meshes())


VERB = LineVerb(configure, run, interrupted=NOTHING_LOST)
