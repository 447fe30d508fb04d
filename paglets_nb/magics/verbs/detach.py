"""``%paglet detach``."""

from __future__ import annotations

from paglets_nb.magics.parser import Arguments, LineVerb, VerbParser
from paglets_nb.magics.progress import progress
from paglets_nb.magics.session import Session
from paglets_nb.widgets.pictures import mesh_label

__all__ = ["VERB"]


def configure(parser: VerbParser) -> None:
    """It takes no arguments."""


def run(session: Session, arguments: Arguments) -> str:
    """Let go of the mesh; its name, by which it is attached."""
    mesh = session.require_mesh()
    count = len(mesh)
    with progress(session.shell, f"detaching {mesh_label(mesh.name)}") as line:
        session.detach_mesh()
        hosts = f"{count} host{'s' * (count != 1)}"
        line.finish(f"{mesh_label(mesh.name)} goes on without the notebook ({hosts}); see: %paglet attach {mesh.name}")
    return mesh.name


VERB = LineVerb(configure, run)
