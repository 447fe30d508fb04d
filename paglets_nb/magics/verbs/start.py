"""``%paglet start PAGLET [field=value ...] [--wait]``."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError

from paglets_nb.core.proxy import PagletProxy
from paglets_nb.magics.parser import Arguments, LineVerb, VerbParser, seconds
from paglets_nb.magics.session import Session
from paglets_nb.magics.values import build, read_json, words_of
from paglets_nb.magics.verbs.status import left_running, not_done

if TYPE_CHECKING:
    from paglets_nb.patterns.task_client import TaskHandle, TaskSnapshot

__all__ = ["VERB", "configure_start", "request_of", "start_task"]

_QUICK = 0.05
_POLL = 0.5
_LAST_PICTURE = 2.0
"""Seconds given to the display to show the end before the cell ends."""


def configure_start(parser: VerbParser) -> None:
    """Add the arguments that line and cell share."""
    parser.add_argument("paglet", metavar="PAGLET", help="a task: a name, an id or its start, or a variable")
    parser.add_argument("--wait", action="store_true", help="return when it is done; a stop cancels it")
    parser.add_argument("--timeout", metavar="SECONDS", type=seconds, help="with --wait: how long")


def configure(parser: VerbParser) -> None:
    """Add the arguments."""
    configure_start(parser)
    parser.add_argument("--json", metavar="JSON", help="the request, or a part of it, as a JSON object")


def start_task(session: Session, proxy: PagletProxy, cls: Any, request: Any, arguments: Arguments) -> TaskHandle[Any]:
    """Start a task and show its progress; with ``--wait`` block until it is done."""
    from paglets_nb.patterns.task_client import TaskClient
    from paglets_nb.patterns.tasks import TaskStatus

    client = TaskClient.for_paglet(proxy, cls)
    session.await_answer(proxy.host_url)
    if client.status().status in (TaskStatus.RUNNING, TaskStatus.WAITING_FOR_ARRIVAL):
        raise UsageError(f"{session.label(proxy)} is running already; use: %paglet wait, or %paglet cancel")
    session.show_type(client.result_type)
    handle = client.submit(request)
    handle.wait(_QUICK)
    follower = session.show_task(handle)
    if arguments.wait:
        try:
            snapshot = _wait(session, handle, arguments.timeout)
        except KeyboardInterrupt:
            handle.cancel()
            raise UsageError(f"interrupted; {session.label(proxy)} was asked to stop (see %paglet status)") from None
        if not snapshot.done:
            raise UsageError(not_done(session.label(proxy), arguments.timeout))
        if follower is not None:
            follower.wait(_LAST_PICTURE)
    return handle


def _wait(session: Session, handle: TaskHandle[Any], timeout: float | None) -> TaskSnapshot[Any]:
    """Wait for the end, and say where none may come."""
    deadline, told = None if timeout is None else time.monotonic() + timeout, False
    while True:
        left = _POLL if deadline is None else max(0.0, min(_POLL, deadline - time.monotonic()))
        snapshot = handle.wait(left)
        if snapshot.done or (deadline is not None and time.monotonic() >= deadline):
            return snapshot
        told = told or left_running(session, handle.proxy, snapshot)


def run(session: Session, arguments: Arguments) -> TaskHandle[Any]:
    """Start the task with the fields of its request."""
    proxy = session.paglet(arguments.paglet)
    cls = session.task_class(proxy)
    fields = words_of(read_json(arguments.json)) if arguments.json else {}
    request = build(cls.request_class(), {**fields, **arguments.fields}, owner=f"task {cls.__name__}")
    return start_task(session, proxy, cls, request, arguments)


def request_of(session: Session, arguments: Arguments) -> type:
    """The dataclass of the request."""
    request: type = session.task_class(session.paglet(arguments.paglet)).request_class()
    return request


VERB = LineVerb(configure, run, fields="field", fields_of=request_of)
