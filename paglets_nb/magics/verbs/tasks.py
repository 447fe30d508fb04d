"""``%paglet tasks [--on HOST] [--follow]``."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from paglets_nb.errors import PagletError
from paglets_nb.magics.parser import Arguments, LineVerb, VerbParser, seconds
from paglets_nb.magics.progress import ProgressLine
from paglets_nb.magics.session import Session
from paglets_nb.widgets.records import TaskEntry, TaskTable
from paglets_nb.widgets.tables import PagletTable

if TYPE_CHECKING:
    from paglets_nb.core.messages import FutureReply
    from paglets_nb.core.proxy import PagletProxy

__all__ = ["VERB"]

_POLL = 0.25
_PATIENCE = 2.0
"""Seconds in which a task's host has to answer."""


def configure(parser: VerbParser) -> None:
    """Add the arguments."""
    parser.add_argument("--on", metavar="HOST", help="only the tasks of this host")
    parser.add_argument("--follow", action="store_true", help="keep the table up to date until no task runs")
    parser.add_argument("--timeout", metavar="SECONDS", type=seconds, help="with --follow: for how long")


def _is_task(session: Session, proxy: PagletProxy) -> bool:
    from paglets_nb.patterns.tasks import TaskPaglet

    try:
        cls = session.require_mesh().class_of(proxy)
    except PagletError:  # a class that cannot be loaded here: then nobody here can read its status
        return False
    return issubclass(cls, TaskPaglet)


def _entry(session: Session, proxy: PagletProxy, asked: FutureReply | None, deadline: float) -> TaskEntry:
    """One task from the reply to its status request; None was asked of a sleeping one."""
    from paglets_nb.patterns.task_client import TaskClient, TaskSnapshot

    label = session.label(proxy)
    client = TaskClient.for_paglet(proxy, session.require_mesh().class_of(proxy))
    if asked is None:
        return TaskEntry(proxy, label, None, "asleep", client.handle())
    try:
        reply = asked.get_reply(max(0.0, deadline - time.monotonic()))
        return TaskEntry(proxy, label, TaskSnapshot.from_reply(reply, client.result_type), "", client.handle())
    except (PagletError, OSError) as error:
        return TaskEntry(proxy, label, None, str(error), client.handle())


def _listed(session: Session, on: str, *, quiet: bool = False) -> TaskTable:
    """The tasks as they are now; they are asked side by side."""
    from paglets_nb.patterns.tasks import TASK_STATUS, TaskStatusReply

    mesh = session.require_mesh()
    infos = session.listing(on, quiet=quiet)
    asked: list[tuple[Any, FutureReply | None]] = []
    for info, proxy in zip(infos, PagletTable(infos, mesh.client), strict=True):
        if _is_task(session, proxy):
            message = TASK_STATUS.to_message()
            awake = info.active
            options: dict[str, Any] = {"timeout": _PATIENCE, "reply_type": TaskStatusReply}
            asked.append((proxy, proxy.send_future(message, **options) if awake else None))
    deadline = time.monotonic() + _PATIENCE
    return TaskTable(_entry(session, proxy, future, deadline) for proxy, future in asked)


def run(session: Session, arguments: Arguments) -> TaskTable:
    """The tasks, as a list that shows as a table."""
    session.require_mesh()
    on = session.host(arguments.on).name if arguments.on else ""
    found = _listed(session, on)
    if not arguments.follow:
        from paglets_nb.widgets.task_table import LiveTaskTable

        return LiveTaskTable(found, session.require_mesh(), on)
    line = ProgressLine(session.shell)
    deadline = None if arguments.timeout is None else time.monotonic() + arguments.timeout
    try:
        while any(entry.running for entry in found) and (deadline is None or time.monotonic() < deadline):
            line.update(repr(found), found._repr_html_())
            time.sleep(_POLL)
            found = _listed(session, on, quiet=True)
    except KeyboardInterrupt:
        session.say("stopped; the tasks go on")
    line.update(f"{sum(entry.running for entry in found)} of {len(found)} tasks run")
    return found


VERB = LineVerb(configure, run)
