"""``%paglet call PAGLET OPERATION [field=value ...]``."""

from __future__ import annotations

from typing import Any

from IPython.core.error import UsageError

from paglets_nb.core.proxy import PagletProxy
from paglets_nb.magics.parser import Arguments, LineVerb, VerbParser, seconds
from paglets_nb.magics.session import Session
from paglets_nb.magics.values import build, read_json, words_of
from paglets_nb.services.contracts import ServiceOperation

__all__ = ["VERB", "call_operation", "configure_call", "request_of"]


def configure_call(parser: VerbParser) -> None:
    """Add the arguments that line and cell share."""
    parser.add_argument("paglet", metavar="PAGLET", help="a name, an id or its start, or a variable")
    parser.add_argument("operation", metavar="OPERATION", help="one of its operations (%%paglet info lists them)")
    parser.add_argument("--timeout", metavar="SECONDS", type=seconds, help="how long to wait for the reply (60)")


def configure(parser: VerbParser) -> None:
    """Add the arguments."""
    configure_call(parser)
    parser.add_argument("--json", metavar="JSON", help="the request, or a part of it, as a JSON object")


def call_operation(session: Session, proxy: PagletProxy, operation: ServiceOperation, request: Any) -> Any:
    """Call and return the typed reply."""
    from paglets_nb.patterns.operations import OperationClient

    return session.shown(OperationClient(proxy).call(operation, request, timeout=session.deadline.left()))


def run(session: Session, arguments: Arguments) -> Any:
    """Call the operation with the fields of its request."""
    from paglets_nb.patterns.tasks import TaskStartRequest

    proxy = session.paglet(arguments.paglet)
    session.await_host(proxy.host_url)
    operation = session.operation(proxy, arguments.operation)
    if operation.request_type is TaskStartRequest and "request" not in arguments.fields and not arguments.json:
        typed = "".join(f" {name}={word}" for name, word in arguments.fields.items())
        raise UsageError(f"{session.label(proxy)} is a task; use: %paglet start {arguments.paglet}{typed}")
    fields = words_of(read_json(arguments.json)) if arguments.json else {}
    request = build(operation.request_type, {**fields, **arguments.fields}, owner=f"operation {operation.name!r}")
    return call_operation(session, proxy, operation, request)


def request_of(session: Session, arguments: Arguments) -> type:
    """The dataclass of the request."""
    return session.operation(session.paglet(arguments.paglet), arguments.operation).request_type


VERB = LineVerb(configure, run, fields="field", fields_of=request_of)
