"""``%paglet status PAGLET``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from paglets_nb.core.proxy import PagletProxy
from paglets_nb.magics.parser import NOTHING_LOST, Arguments, LineVerb, VerbParser
from paglets_nb.magics.session import Session

if TYPE_CHECKING:
    from paglets_nb.patterns.task_client import TaskClient, TaskSnapshot

__all__ = ["VERB", "configure", "left_running", "not_done", "task_client"]


def configure(parser: VerbParser) -> None:
    """Add the arguments."""
    parser.add_argument("paglet", metavar="PAGLET", help="a task: a name, an id or its start, or a variable")


def task_client(session: Session, word: str) -> tuple[PagletProxy, TaskClient[Any]]:
    """The client of the task a word stands for."""
    from paglets_nb.patterns.task_client import TaskClient

    proxy = session.paglet(word)
    session.await_answer(proxy.host_url)
    client = TaskClient.for_paglet(proxy, session.task_class(proxy))
    session.show_type(client.result_type)
    return proxy, client


def not_done(label: str, timeout: float) -> str:
    """What to say of a task that went on past a time-out."""
    return f"{label} is not done after {timeout:g} s and goes on (see %paglet wait, %paglet cancel)"


def left_running(session: Session, proxy: PagletProxy, snapshot: TaskSnapshot[Any]) -> bool:
    """Say that a task has returned nothing, so that it may never be done; whether it was said."""
    from paglets_nb.patterns.tasks import RETURNED_NOTHING

    if snapshot.done or snapshot.note != RETURNED_NOTHING:
        return False
    session.say(f"{session.label(proxy)}: {snapshot.note}")
    return True


def run(session: Session, arguments: Arguments) -> TaskSnapshot[Any]:
    """Where the task stands now."""
    return task_client(session, arguments.paglet)[1].status()


VERB = LineVerb(configure, run, interrupted=NOTHING_LOST)
