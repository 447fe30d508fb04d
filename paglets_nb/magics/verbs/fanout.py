"""``%paglet fanout PAGLET-or-CLASS OPERATION [field=value or field=[...] ...]``."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError

from paglets_nb.core.proxy import PagletProxy
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
from paglets_nb.magics.tokens import NO_VALUE
from paglets_nb.magics.values import read_json, words_of
from paglets_nb.plots import prepare

if TYPE_CHECKING:
    from paglets_nb.experiments.fan_out import FanOut
    from paglets_nb.widgets.fan_out_view import FanOutView

__all__ = ["VERB", "fan_out", "show_plot"]

_POLL = 0.1
_STOPPING = 5.0
_QUICK = 0.5
"""Seconds for which a fan-out has the processor to itself; then what its chart needs is imported beside it."""


def configure(parser: VerbParser) -> None:
    """Add the arguments."""
    parser.add_argument(
        "paglet", nargs="?", metavar="TARGET", help="a paglet class, a function, a paglet, or a list of paglets"
    )
    parser.add_argument("operation", nargs="?", metavar="OPERATION", help="one of its operations; none for tasks")
    configure_grid(parser)
    parser.add_argument("--json", metavar="JSON", help="fields, or a part of them, as a JSON object")
    parser.add_argument("--form", action="store_true", help="open the controls to choose with, and start nothing")


def show_plot(results: Any, place: Callable[[], None] | None = None) -> None:
    """Show the chart of results, where Altair is installed and there is something to draw.

    Args:
        results: the results.
        place: shows it, where a view has to know of it.
    """
    from IPython.display import display

    if results.ok:
        with suppress(PagletError):  # without Altair the table says it all
            place() if place is not None else display(results.plot())  # type: ignore[no-untyped-call]


def fan_out(session: Session, target: Any, operation: Any, grid: Any, arguments: Arguments) -> FanOut:
    """Run a fan-out, telling how far it is, and show its picture; a stop leaves what has come."""
    from paglets_nb.experiments.fan_out import FanOut

    try:
        made = FanOut(session.require_mesh(), target, operation, grid, **options_of(arguments))
    except PagletError as error:
        raise UsageError(one_line(error)) from None
    place = None
    if session.live:
        place = _run_live(session, made, arguments, target, operation, grid)
    else:
        _run_plain(session, made, arguments)
    for value in made.values:
        session.show_type(type(value))
    if not arguments.no_plot:
        show_plot(made, place)
    return made


def _ended(made: FanOut, arguments: Arguments, began: float) -> bool:
    """Whether it has, within a moment."""
    if not arguments.no_plot and time.monotonic() > began + _QUICK:
        prepare()
    return made.wait(_POLL)


def _run_live(
    session: Session, made: FanOut, arguments: Arguments, target: Any, operation: Any, grid: Any
) -> Callable[[], None]:
    """Run it with its cells in sight; the view stays, and so do its picture and its buttons.

    Returns:
        What shows the chart in the cell, where the view's button draws it anew.
    """
    from paglets_nb.widgets.fan_out_chart import ChartPlace
    from paglets_nb.widgets.fan_out_view import FanOutView

    view = FanOutView(
        session.require_mesh(),
        target,
        operation,
        grid,
        namespace=session.shell.user_ns,
        fan_out=made,
        tables=False,
        **options_of(arguments),
    )
    view.hold("the stop button of the notebook ends it, and keeps what has come")
    session.show_view(view)
    began = time.monotonic()
    try:
        made.start()
        while not _ended(made, arguments, began):
            pass
    except KeyboardInterrupt:
        made.cancel()
        made.wait(_STOPPING)
        session.say("stopped; what had come by then is here")
    finally:
        view.settle()
    session.seen(made, view.show_tables)
    return lambda: view.plot_in(ChartPlace(session.shell))


def _run_plain(session: Session, made: FanOut, arguments: Arguments) -> None:
    """Run it, telling how far it is in a line."""
    line, began = ProgressLine(session.shell), time.monotonic()
    try:
        made.start()
        while not _ended(made, arguments, began):
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


def open_form(session: Session, arguments: Arguments) -> FanOutView:
    """Show the controls that describe a fan-out, as far as the line does."""
    from paglets_nb.widgets.fan_out_view import FanOutView

    if not session.live:
        raise UsageError("--form needs the page of a notebook; describe it in the line: %paglet fanout --help")
    mesh, target, operation = session.require_mesh(), None, None
    if arguments.paglet is not None:
        target = target_of_word(session, arguments.paglet)
    if arguments.operation is not None:
        operation = str(arguments.operation)
        request_type_of(session, target, operation)
    fields = {**(words_of(read_json(arguments.json)) if arguments.json else {}), **arguments.fields}
    grid = {name: str(word) if word.value is NO_VALUE else word.value for name, word in fields.items()}
    view = FanOutView(mesh, target, operation, grid, namespace=session.shell.user_ns, **options_of(arguments))
    session.show_view(view)
    return view


def run(session: Session, arguments: Arguments) -> FanOut | FanOutView:
    """Fan out over the grid of the fields."""
    session.require_mesh()
    if arguments.form:
        return open_form(session, arguments)
    if arguments.paglet is None:
        raise UsageError("%paglet fanout: the following arguments are required: TARGET (or --form, to choose one)")
    target = target_of_word(session, arguments.paglet)
    if isinstance(target, PagletProxy):
        session.await_answer(target.host_url)
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
