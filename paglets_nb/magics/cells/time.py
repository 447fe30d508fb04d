"""``%%paglet time HOST[,HOST|all]``: the cell is timed on hosts, as ``timeit`` does."""

from __future__ import annotations

from typing import Any

from IPython.core.error import UsageError

from paglets_nb.errors import PagletError
from paglets_nb.magics.boundary import not_on_hosts, one_line
from paglets_nb.magics.grids import positive
from paglets_nb.magics.parser import Arguments, CellVerb, VerbParser, seconds
from paglets_nb.magics.progress import ProgressLine, waiting
from paglets_nb.magics.session import Session
from paglets_nb.magics.verbs.fanout import show_plot

__all__ = ["VERB"]


def configure(parser: VerbParser) -> None:
    """Add the arguments."""
    parser.add_argument("hosts", nargs="*", metavar="HOST", help="hosts, also comma-separated (default: all)")
    parser.add_argument("--repeat", metavar="N", type=positive, default=7, help="repetitions (default: 7)")
    parser.add_argument("--loops", metavar="N", type=positive, help="in each (default: as many as take 0.2 s)")
    parser.add_argument(
        "--timeout", metavar="SECONDS", type=seconds, default=120.0, help="for each host (default: 120)"
    )
    parser.add_argument("--parallel", action="store_true", help="on all of them at once")
    parser.add_argument("--no-plot", action="store_true", help="show the table only")


def run(session: Session, arguments: Arguments, cell: str) -> Any:
    """Time the cell on each host, one after the other or at once, and compare."""
    from paglets_nb.experiments.timing import time_code

    mesh = session.require_mesh()
    names = [host.name for host in session.hosts(arguments.hosts or ["all"])]
    statement = session.shell.transform_cell(cell)
    if not statement.strip():
        raise UsageError("the cell is empty; it is what is timed")
    try:
        compile(statement, "<cell>", "exec")
    except SyntaxError as error:
        raise UsageError(f"the cell is not Python: {error.msg} (line {error.lineno})") from None
    line = ProgressLine(session.shell)
    try:
        timings = time_code(
            mesh,
            statement,
            names,
            loops=arguments.loops or 0,
            repeat=arguments.repeat,
            parallel=arguments.parallel,
            timeout=arguments.timeout,
            on_host=lambda name: line.update(f"timing on {name} ..."),
        )
    except PagletError as error:
        line.update("timing: it failed")
        raise UsageError(one_line(error)) from None
    except KeyboardInterrupt:
        line.update("timing: stopped")
        raise
    line.update(timings.headline())
    for _count, _state, said in timings.errors:
        if hint := not_on_hosts(said, session.namespace):
            session.say(hint)
    if not arguments.no_plot:
        with waiting(session.shell, "drawing the chart"):
            show_plot(timings)
    return timings


VERB = CellVerb(configure, run)
