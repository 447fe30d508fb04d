"""``%paglet cancel PAGLET``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from paglets_nb.magics.parser import Arguments, LineVerb
from paglets_nb.magics.session import Session
from paglets_nb.magics.verbs.status import configure, task_client

if TYPE_CHECKING:
    from paglets_nb.patterns.task_client import TaskSnapshot

__all__ = ["VERB"]


def run(session: Session, arguments: Arguments) -> TaskSnapshot[Any]:
    """Ask the task to stop; it does at its next ``check_cancelled``."""
    return task_client(session, arguments.paglet)[1].cancel()


VERB = LineVerb(configure, run)
