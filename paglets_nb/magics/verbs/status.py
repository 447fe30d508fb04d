"""``%paglet status PAGLET``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from paglets_nb.core.proxy import PagletProxy
from paglets_nb.magics.parser import Arguments, LineVerb, VerbParser
from paglets_nb.magics.session import Session

if TYPE_CHECKING:
    from paglets_nb.patterns.task_client import TaskClient, TaskSnapshot

__all__ = ["VERB", "configure", "not_done", "task_client"]


def configure(parser: VerbParser) -> None:
    """Add the arguments."""
    parser.add_argument("paglet", metavar="PAGLET", help="a task: a name, an id or its start, or a variable")


def task_client(session: Session, word: str) -> tuple[PagletProxy, TaskClient[Any]]:
    """The client of the task a word stands for."""
    from paglets_nb.patterns.task_client import TaskClient

    proxy = session.paglet(word)
    client = TaskClient.for_paglet(proxy, session.task_class(proxy))
    session.show_type(client.result_type)
    return proxy, client


def not_done(label: str, timeout: float) -> str:
    """What to say of a task that went on past a time-out."""
    return f"{label} is not done after {timeout:g} s and goes on (see %paglet wait, %paglet cancel)"


def run(session: Session, arguments: Arguments) -> TaskSnapshot[Any]:
    """Where the task stands now."""
    return task_client(session, arguments.paglet)[1].status()


VERB = LineVerb(configure, run)
