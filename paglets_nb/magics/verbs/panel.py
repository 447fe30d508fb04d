"""``%paglet panel``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from paglets_nb.magics.parser import Arguments, LineVerb, VerbParser
from paglets_nb.magics.session import Session

if TYPE_CHECKING:
    from paglets_nb.widgets.panel import MeshPanel

__all__ = ["VERB"]


def configure(parser: VerbParser) -> None:
    """It takes no arguments."""


def run(session: Session, arguments: Arguments) -> MeshPanel:
    """Show the panel, and return it."""
    from paglets_nb.widgets.panel import MeshPanel

    panel = MeshPanel(session.require_mesh(), session.cursors)
    session.show_view(panel)
    return panel


VERB = LineVerb(configure, run)
