"""``%%paglet fanout [options]``: the cell is a function of its fields, or the grid of an operation."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import Any

from IPython.core.error import UsageError

from paglets_nb.errors import PagletError
from paglets_nb.magics.boundary import one_line
from paglets_nb.magics.grids import configure_grid, grid_of, is_function, request_type_of, target_of_word
from paglets_nb.magics.parser import Arguments, CellVerb, VerbParser
from paglets_nb.magics.session import Session
from paglets_nb.magics.values import evaluated_fields, words_of
from paglets_nb.magics.verbs.fanout import fan_out

__all__ = ["VERB", "function_of"]

_AWAITING = (ast.Await, ast.AsyncFor, ast.AsyncWith)


def configure(parser: VerbParser) -> None:
    """Add the arguments."""
    parser.add_argument(
        "paglet", nargs="?", metavar="TARGET", help="a paglet class or a paglet; the cell is then the grid"
    )
    parser.add_argument("operation", nargs="?", metavar="OPERATION", help="one of its operations; none for tasks")
    configure_grid(parser)


def function_of(shell: Any, cell: str, names: list[str]) -> Callable[..., Any]:
    """A function of these arguments that runs the cell and returns its last expression.

    Raises:
        UsageError: the cell is not Python.
    """
    source = shell.transform_cell(cell)
    try:
        tree = ast.parse(source)
    except SyntaxError as error:
        raise UsageError(f"the cell is not Python: {error.msg} (line {error.lineno})") from None
    body = tree.body
    if not body:
        raise UsageError("the cell is empty; its last expression is each result")
    if isinstance(body[-1], ast.Expr):
        body[-1] = ast.copy_location(ast.Return(body[-1].value), body[-1])
    asynchronous = any(isinstance(node, _AWAITING) for node in ast.walk(tree))
    frame = ast.parse(f"{'async ' if asynchronous else ''}def cell({', '.join(['*', *names] if names else [])}): pass")
    function: Any = frame.body[0]
    function.body = body
    name = shell.compile.cache(source, shell.execution_count, raw_code=cell)
    scope: dict[str, Any] = {}
    try:
        exec(compile(ast.fix_missing_locations(frame), name, "exec"), shell.user_ns, scope)
    except SyntaxError as error:
        raise UsageError(f"the cell cannot be a function: {error.msg} (line {error.lineno})") from None
    made: Callable[..., Any] = scope["cell"]
    return made


def _grid_of_cell(session: Session, cell: str, cls: type | None, owner: str, target: Any) -> Any:
    """The grid that a cell describes: ``field = values`` lines, or one expression."""
    value = evaluated_fields(cell, session.namespace, owner)
    if isinstance(value, Mapping):
        return grid_of(cls, words_of(value), owner, target if is_function(target) else None) or None
    return value


def run(session: Session, arguments: Arguments, cell: str) -> Any:
    """Fan out the cell, or an operation over the cell's grid."""
    session.require_mesh()
    if arguments.paglet is None:
        names = list(arguments.fields)
        function = function_of(session.shell, cell, names)
        return fan_out(session, function, None, grid_of(None, arguments.fields, "the cell", None) or None, arguments)
    if arguments.fields:
        raise UsageError("the fields of an operation stand in the cell: `field = values` lines")
    target = target_of_word(session, arguments.paglet)
    operation = None if arguments.operation is None else str(arguments.operation)
    owner = f"operation {operation!r}" if operation else str(arguments.paglet)
    cls = request_type_of(session, target, operation)
    try:
        return fan_out(session, target, operation, _grid_of_cell(session, cell, cls, owner, target), arguments)
    except PagletError as error:
        raise UsageError(one_line(error)) from None


VERB = CellVerb(configure, run, fields="field")
