"""``%paglet form PAGLET [OPERATION] [field=value ...]``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError

from paglets_nb.core.proxy import PagletProxy
from paglets_nb.core.values import DEFAULT_TIMEOUT
from paglets_nb.magics.parser import Arguments, LineVerb, VerbParser, seconds
from paglets_nb.magics.session import Session
from paglets_nb.magics.tokens import Word
from paglets_nb.magics.values import field_types, field_value, read_json, unknown_field, words_of
from paglets_nb.services.contracts import ServiceOperation

if TYPE_CHECKING:
    from paglets_nb.widgets.operation_chooser import OperationChooser
    from paglets_nb.widgets.operation_form import OperationForm

__all__ = ["VERB"]


def configure(parser: VerbParser) -> None:
    """Add the arguments."""
    parser.add_argument("paglet", metavar="PAGLET", help="a name, an id or its start, or a variable")
    parser.add_argument("operation", metavar="OPERATION", nargs="?", help="one of its operations (default: a choice)")
    parser.add_argument("--json", metavar="JSON", help="fields to fill in, as a JSON object")
    parser.add_argument(
        "--timeout", metavar="SECONDS", type=seconds, default=DEFAULT_TIMEOUT, help="how long to wait for a reply"
    )


def _task_class(session: Session, proxy: PagletProxy) -> Any:
    """The class of a task; None for a paglet that is none."""
    from paglets_nb.patterns.tasks import TaskPaglet

    cls = session.require_mesh().class_of(proxy)
    return cls if issubclass(cls, TaskPaglet) else None


def _request_type(operation: ServiceOperation, task: Any) -> type:
    from paglets_nb.patterns.tasks import TASK_START

    found: type = task.request_class() if task is not None and operation == TASK_START else operation.request_type
    return found


def _filled(cls: type, fields: Mapping[str, Word], owner: str) -> dict[str, Any]:
    """What the fields of a form are filled with at first; UsageError names one that does not fit."""
    kinds = field_types(cls)
    for name in fields:
        if name not in kinds:
            raise UsageError(unknown_field(owner, name, kinds))
    return {name: field_value(owner, name, kinds[name], word) for name, word in fields.items()}


def run(session: Session, arguments: Arguments) -> OperationForm | OperationChooser:
    """Show the form, and return it."""
    from paglets_nb.widgets.operation_chooser import OperationChooser
    from paglets_nb.widgets.operation_form import OperationForm

    proxy = session.paglet(arguments.paglet)
    fields = {**words_of(read_json(arguments.json) if arguments.json else {}), **arguments.fields}
    task = _task_class(session, proxy)
    if arguments.operation is None:
        if fields:
            raise UsageError(f"%paglet form: fields want an OPERATION before them, got {next(iter(fields))}=...")
        operations = session.operations(proxy)
        if not operations:
            raise UsageError(f"{session.label(proxy)} has no typed operations; use: %paglet send")
        chooser = OperationChooser(proxy, operations, timeout=arguments.timeout, task=task)
        session.show_view(chooser)
        return chooser
    operation = session.operation(proxy, arguments.operation)
    values = _filled(_request_type(operation, task), fields, f"operation {operation.name!r}")
    form = OperationForm(proxy, operation, timeout=arguments.timeout, values=values, task=task)
    session.show_view(form)
    return form


def request_of(session: Session, arguments: Arguments) -> type:
    """The dataclass of the request."""
    proxy = session.paglet(arguments.paglet)
    return _request_type(session.operation(proxy, arguments.operation), _task_class(session, proxy))


VERB = LineVerb(configure, run, fields="field", fields_of=request_of)
