"""``%paglet hosts``."""

from __future__ import annotations

from paglets_nb.magics.parser import NOTHING_LOST, Arguments, LineVerb, VerbParser
from paglets_nb.magics.session import Session
from paglets_nb.widgets.tables import HostTable

__all__ = ["VERB"]


def configure(parser: VerbParser) -> None:
    """It takes no arguments."""


def run(session: Session, arguments: Arguments) -> HostTable:
    """The hosts, as a list that shows as a table."""
    mesh = session.require_mesh()
    return HostTable(mesh.hosts(), mesh.client)


VERB = LineVerb(configure, run, interrupted=NOTHING_LOST)
