"""``%paglet log HOST [--lines N] [--follow]``."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from paglets_nb.magics.parser import NOTHING_LOST, Arguments, LineVerb, VerbParser, natural, seconds
from paglets_nb.magics.session import Session
from paglets_nb.widgets.records import LogText

__all__ = ["VERB"]

_POLL = 0.2
_MOST = 4 << 20
"""Bytes read of the end of a log."""


def configure(parser: VerbParser) -> None:
    """Add the arguments."""
    parser.add_argument("host", metavar="HOST", help="whose log; also a dead host's")
    parser.add_argument("--lines", metavar="N", type=natural, default=40, help="the last N lines (40)")
    parser.add_argument("--follow", action="store_true", help="write new lines as they come, until it is interrupted")
    parser.add_argument("--timeout", metavar="SECONDS", type=seconds, help="with --follow: for how long")


def _read(path: Path, start: int) -> tuple[str, int]:
    """What stands in a file from ``start`` on, at most its last 4 MiB, and where it ends."""
    if not path.exists():
        return "", 0
    with path.open("rb") as file:
        end = file.seek(0, 2)
        file.seek(max(0, end - _MOST, start if start <= end else 0))
        data = file.read()
    return data.decode(errors="replace"), end


def run(session: Session, arguments: Arguments) -> LogText | None:
    """The end of the log; nothing with ``--follow``, which writes it out."""
    path = session.host(arguments.host).log_path
    text, end = _read(path, 0)
    lines = text.splitlines(keepends=True)
    tail = "".join(lines[max(0, len(lines) - arguments.lines) :])
    if not arguments.follow:
        return LogText(tail)
    deadline = None if arguments.timeout is None else time.monotonic() + arguments.timeout
    try:
        sys.stdout.write(tail)
        while deadline is None or time.monotonic() < deadline:
            text, end = _read(path, end)
            sys.stdout.write(text)
            time.sleep(_POLL if deadline is None else max(0.0, min(_POLL, deadline - time.monotonic())))
    except KeyboardInterrupt:
        session.say("stopped")  # which is how it is meant to end
    return None


VERB = LineVerb(configure, run, interrupted=NOTHING_LOST)
