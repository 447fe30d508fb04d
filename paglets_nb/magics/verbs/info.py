"""``%paglet info PAGLET``."""

from __future__ import annotations

from paglets_nb.core.proxy import PagletProxy
from paglets_nb.errors import HostError
from paglets_nb.magics.parser import NOTHING_LOST, Arguments, LineVerb, VerbParser
from paglets_nb.magics.session import Session
from paglets_nb.services.contracts import ServiceOperation
from paglets_nb.widgets.tables import PagletDetails

__all__ = ["VERB"]


def configure(parser: VerbParser) -> None:
    """Add the arguments."""
    parser.add_argument("paglet", metavar="PAGLET", help="a name, an id or its start, or a variable")


def run(session: Session, arguments: Arguments) -> PagletDetails:
    """What its host knows of the paglet."""
    proxy = session.paglet(arguments.paglet)
    operations = _operations(session, proxy)
    return PagletDetails(proxy.info(), operations)


def _operations(session: Session, proxy: PagletProxy) -> tuple[ServiceOperation, ...]:
    """The paglet's operations; a task's start with what the task takes and answers."""
    from paglets_nb.patterns.tasks import TASK_START, TaskPaglet

    mesh = session.require_mesh()
    operations = tuple(session.operations(proxy))
    cls = mesh.class_of(proxy) if TASK_START in operations else None
    if cls is None or not issubclass(cls, TaskPaglet):
        return operations
    try:
        start = ServiceOperation(TASK_START.name, cls.request_class(), cls.result_class())
    except HostError:  # it says neither, and will not start
        return operations
    return tuple(start if operation == TASK_START else operation for operation in operations)


VERB = LineVerb(configure, run, interrupted=NOTHING_LOST)
