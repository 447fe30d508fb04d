"""``%paglet wait PAGLET [--timeout SECONDS]``."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError

from paglets_nb.magics.parser import Arguments, LineVerb, VerbParser, seconds
from paglets_nb.magics.progress import ProgressLine
from paglets_nb.magics.session import Session
from paglets_nb.magics.verbs.status import left_running, not_done, task_client
from paglets_nb.widgets.pictures import headline

if TYPE_CHECKING:
    from paglets_nb.patterns.task_client import TaskSnapshot

__all__ = ["VERB"]

_POLL = 0.5


def configure(parser: VerbParser) -> None:
    """Add the arguments."""
    parser.add_argument("paglet", metavar="PAGLET", help="a task: a name, an id or its start, or a variable")
    parser.add_argument("--timeout", metavar="SECONDS", type=seconds, help="how long (default: until it is done)")


def run(session: Session, arguments: Arguments) -> TaskSnapshot[Any]:
    """Wait until the task is done."""
    from paglets_nb.patterns.tasks import TaskStatus

    proxy, client = task_client(session, arguments.paglet)
    line = ProgressLine(session.shell)
    deadline = None if arguments.timeout is None else time.monotonic() + arguments.timeout
    told = False
    while True:
        left = _POLL if deadline is None else max(0.0, min(_POLL, deadline - time.monotonic()))
        snapshot = client.wait(wait_timeout=left)
        if snapshot.status is TaskStatus.NEW:
            raise UsageError(f"{session.label(proxy)} is not started; use: %paglet start")
        line.update(headline(snapshot))
        if snapshot.done:
            return snapshot
        told = told or left_running(session, proxy, snapshot)
        if deadline is not None and time.monotonic() >= deadline:
            raise UsageError(not_done(session.label(proxy), arguments.timeout))


VERB = LineVerb(configure, run, interrupted="the task goes on (see %paglet status, %paglet cancel)")
