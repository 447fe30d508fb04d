"""``%paglet fanout PAGLET-or-CLASS OPERATION [field=value or field=[...] ...]``."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError

from paglets_nb.errors import PagletError
from paglets_nb.magics.boundary import one_line
from paglets_nb.magics.grids import (
    configure_grid,
    grid_of,
    is_function,
    options_of,
    request_type_of,
    target_of_word,
)
from paglets_nb.magics.parser import Arguments, LineVerb, VerbParser
from paglets_nb.magics.progress import ProgressLine
from paglets_nb.magics.session import Session
from paglets_nb.magics.values import read_json, words_of

if TYPE_CHECKING:
    from paglets_nb.experiments.fan_out import FanOut

__all__ = ["VERB", "fan_out", "show_plot"]

_POLL = 0.1
_STOPPING = 5.0


def configure(parser: VerbParser) -> None:
    """Add the arguments."""
    parser.add_argument("paglet", metavar="TARGET", help="a paglet class, a function, a paglet, or a list of paglets")
    parser.add_argument("operation", nargs="?", metavar="OPERATION", help="one of its operations; none for tasks")
    configure_grid(parser)
    parser.add_argument("--json", metavar="JSON", help="fields, or a part of them, as a JSON object")


def show_plot(results: Any) -> None:
    """Show the chart of results, where Altair is installed and there is something to draw."""
    from IPython.display import display

    if results.ok:
        with suppress(PagletError):  # without Altair the table says it all
            display(results.plot())  # type: ignore[no-untyped-call]


def fan_out(session: Session, target: Any, operation: Any, grid: Any, arguments: Arguments) -> FanOut:
    """Run a fan-out, telling how far it is, and show its picture; a stop leaves what has come."""
    from paglets_nb.experiments.fan_out import FanOut

    try:
        made = FanOut(session.require_mesh(), target, operation, grid, **options_of(arguments))
    except PagletError as error:
        raise UsageError(one_line(error)) from None
    line, began = ProgressLine(session.shell), time.monotonic()
    try:
        made.start()
        while not made.wait(_POLL):
            ended = sum(cell.ended for cell in made.cells)
            failed = len(made.failed) + len(made.unknown)
            bad = f", {failed} not ok" if failed else ""
            line.tell(f"{made.title}: {ended} of {len(made.cells)} cells{bad}, {time.monotonic() - began:.1f} s")
    except KeyboardInterrupt:
        made.cancel()
        made.wait(_STOPPING)
        session.say("stopped; what had come by then is here")
    finally:
        line.update(made.headline())
    for value in made.values:
        session.show_type(type(value))
    if not arguments.no_plot:
        show_plot(made)
    return made


def run(session: Session, arguments: Arguments) -> FanOut:
    """Fan out over the grid of the fields."""
    session.require_mesh()
    target = target_of_word(session, arguments.paglet)
    operation = None if arguments.operation is None else str(arguments.operation)
    cls = request_type_of(session, target, operation)
    fields = {**(words_of(read_json(arguments.json)) if arguments.json else {}), **arguments.fields}
    owner = f"operation {operation!r}" if operation else str(arguments.paglet)
    grid = grid_of(cls, fields, owner, target if is_function(target) else None)
    return fan_out(session, target, operation, grid or None, arguments)


def request_of(session: Session, arguments: Arguments) -> type | None:
    """The dataclass of the requests."""
    operation = None if arguments.operation is None else str(arguments.operation)
    return request_type_of(session, target_of_word(session, arguments.paglet), operation)


VERB = LineVerb(configure, run, fields="field", fields_of=request_of)
