"""``%%paglet drain PAGLET [OPERATION] [--after N]``: the cell runs for each event."""

from __future__ import annotations

from itertools import islice
from types import CodeType
from typing import Any

from IPython.core.error import UsageError

from paglets_nb.magics.draining import batches_of, configure_drain, cursor_key, drain_of
from paglets_nb.magics.parser import Arguments, CellVerb, VerbParser
from paglets_nb.magics.progress import ProgressLine
from paglets_nb.magics.session import Session

__all__ = ["VERB"]


def configure(parser: VerbParser) -> None:
    """Add the arguments."""
    configure_drain(parser, "default: behind the last one that a cell was run for, else all")
    parser.add_argument("--no-follow", action="store_true", help="end with the last event there is")


def _compiled(shell: Any, cell: str) -> CodeType:
    """The cell as code, with its lines known to tracebacks."""
    source = shell.transform_cell(cell)
    name = shell.compile.cache(source, shell.execution_count, raw_code=cell)
    try:
        return compile(source, name, "exec")
    except SyntaxError as error:
        raise UsageError(f"the cell is not Python: {error.msg} (line {error.lineno})") from None


def run(session: Session, arguments: Arguments, cell: str) -> int:
    """Run the cell with each event as ``event``; how many there were.

    An event counts as seen once the cell has run for it without an error.
    """
    code = _compiled(session.shell, cell)
    drain = drain_of(session, arguments, arguments.after, follow=not arguments.no_follow)
    key, cursor, count = cursor_key(drain), drain.cursor, 0
    line = ProgressLine(session.shell)
    line.update(f"waiting for events behind cursor {cursor}")
    namespace = session.shell.user_ns
    try:
        for events in batches_of(drain, arguments.limit):
            for event in islice(events, None if arguments.limit is None else arguments.limit - count):
                namespace["event"] = event
                exec(code, namespace)
                cursor = event["cursor"]
                session.remember_cursor(key, cursor)
                count += 1
                line.tell(f"{count} events, up to cursor {cursor}")
            if count == arguments.limit:
                break
            line.update(f"{count} events, up to cursor {cursor}; waiting for more")
    except KeyboardInterrupt:
        session.say("stopped")  # which is how it is meant to end
    finally:
        line.update(f"{count} events, up to cursor {cursor}")
    return count


VERB = CellVerb(configure, run)
