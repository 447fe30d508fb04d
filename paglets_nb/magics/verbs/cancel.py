"""``%paglet cancel PAGLET [--after S] [--restart | --no-restart]``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from IPython.core.error import UsageError

from paglets_nb.magics.parser import Arguments, LineVerb, VerbParser, seconds
from paglets_nb.magics.progress import ProgressLine
from paglets_nb.magics.session import Session

if TYPE_CHECKING:
    from paglets_nb.mesh.cancelling import Cancellation

__all__ = ["VERB"]

_AFTER = 5.0


def configure(parser: VerbParser) -> None:
    """Add the arguments."""
    parser.add_argument("paglet", metavar="PAGLET", help="a name, an id or its start, or a variable")
    parser.add_argument(
        "--after", metavar="SECONDS", type=seconds, default=_AFTER, help="how long each step may take (5)"
    )
    parser.add_argument("--restart", action="store_true", help="start its host again if need be, whoever lives there")
    parser.add_argument("--no-restart", action="store_true", help="never start its host again")


def run(session: Session, arguments: Arguments) -> Cancellation:
    """End what the paglet does now, and tell how."""
    if arguments.restart and arguments.no_restart:
        raise UsageError("--restart and --no-restart exclude each other")
    proxy = session.paglet(arguments.paglet)
    label = session.label(proxy)
    restart = True if arguments.restart else False if arguments.no_restart else None
    line = ProgressLine(session.shell)
    try:
        done = session.require_mesh().cancel(
            proxy,
            cooperative=arguments.after,
            interrupt=arguments.after,
            restart=restart,
            on_step=lambda words: line.update(f"{label}: {words}") if words else None,
        )
    except KeyboardInterrupt:
        line.finish(f"{label}: stopped; what was asked of it stays asked")
        raise
    if not done.ended:
        line.finish(f"{label} goes on; to start its host again: %paglet cancel {arguments.paglet} --restart")
    elif done.steps:
        line.update(f"{label}: it has ended")
    return done


VERB = LineVerb(configure, run)
