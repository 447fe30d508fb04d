"""``%%paglet start PAGLET``: the cell is the request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from paglets_nb.magics.parser import Arguments, CellVerb
from paglets_nb.magics.session import Session
from paglets_nb.magics.values import request_from_cell
from paglets_nb.magics.verbs.start import configure_start, start_task

if TYPE_CHECKING:
    from paglets_nb.patterns.task_client import TaskHandle

__all__ = ["VERB"]


def run(session: Session, arguments: Arguments, cell: str) -> TaskHandle[Any]:
    """Start the task and watch it."""
    proxy = session.paglet(arguments.paglet)
    cls = session.task_class(proxy)
    request = request_from_cell(cls.request_class(), cell, session.namespace, owner=f"task {cls.__name__}")
    return start_task(session, proxy, cls, request, arguments)


VERB = CellVerb(configure_start, run)
