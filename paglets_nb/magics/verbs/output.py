"""``%paglet output PAGLET [--lines N]``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from paglets_nb.magics.parser import Arguments, LineVerb, VerbParser, natural
from paglets_nb.magics.session import Session

if TYPE_CHECKING:
    from paglets_nb.widgets.paglet_output import PagletOutput

__all__ = ["VERB"]


def configure(parser: VerbParser) -> None:
    """Add the arguments."""
    parser.add_argument("paglet", metavar="PAGLET", help="a name, an id or its start, or a variable")
    parser.add_argument("--lines", metavar="N", type=natural, help="write the last N lines here instead of a live area")


def run(session: Session, arguments: Arguments) -> PagletOutput | None:
    """What the paglet has printed and displayed; nothing with ``--lines``, which writes it out."""
    from paglets_nb.widgets.paglet_output import PagletOutput

    proxy = session.paglet(arguments.paglet)
    session.require_mesh().sync_output()
    output = PagletOutput(proxy, session.label(proxy))
    if not output.log.pieces():
        session.require_there(proxy)
    if arguments.lines is None:
        return output
    session.say(output.text(arguments.lines).rstrip("\n") or "nothing was printed")
    return None


VERB = LineVerb(configure, run)
