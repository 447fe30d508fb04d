"""``%%paglet call PAGLET OPERATION``: the cell is the request."""

from __future__ import annotations

from typing import Any

from paglets_nb.magics.parser import Arguments, CellVerb
from paglets_nb.magics.session import Session
from paglets_nb.magics.values import request_from_cell
from paglets_nb.magics.verbs.call import call_operation, configure_call

__all__ = ["VERB"]


def run(session: Session, arguments: Arguments, cell: str) -> Any:
    """Call the operation and return its typed reply."""
    proxy = session.paglet(arguments.paglet)
    session.await_host(proxy.host_url)
    operation = session.operation(proxy, arguments.operation)
    owner = f"operation {operation.name!r}"
    request = request_from_cell(operation.request_type, cell, session.namespace, owner=owner)
    return call_operation(session, proxy, operation, request)


VERB = CellVerb(configure_call, run)
