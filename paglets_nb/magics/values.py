"""Words to the types of a request: ``field=value``, JSON and cells of ``field = value`` lines."""

from __future__ import annotations

import ast
import json
import linecache
from collections.abc import Mapping
from typing import Any

from IPython.core.error import UsageError

from paglets_nb.codec import typed_text
from paglets_nb.codec.typed_text import Word, field_types, from_words, read_literal, type_name, unknown_field, words_of
from paglets_nb.errors import FieldError
from paglets_nb.magics.boundary import one_line

__all__ = [
    "build",
    "evaluated_fields",
    "field_types",
    "field_value",
    "read_json",
    "read_literal",
    "request_from_cell",
    "type_name",
    "unknown_field",
    "words_of",
]

_CELL = "<paglet cell>"
"""What tracebacks call the cell."""


def field_value(owner: str, name: str, kind: Any, word: Word) -> Any:
    """One field from its word; UsageError names it and what it wanted."""
    try:
        return typed_text.field_value(owner, name, kind, word)
    except FieldError as error:
        raise UsageError(one_line(error)) from None


def read_json(text: str) -> dict[str, Any]:
    """The object of a ``--json`` option."""
    try:
        value = json.loads(text)
    except ValueError as error:
        value = read_literal(text)
        if not isinstance(value, dict):
            raise UsageError(f"--json: {one_line(error)}") from None
    if not isinstance(value, dict):
        raise UsageError(f"--json wants an object with fields by name, got {type(value).__name__}")
    return value


def build(cls: type, fields: Mapping[str, Word], *, owner: str = "") -> Any:
    """An instance of a dataclass from words by field name.

    Args:
        cls: the dataclass.
        fields: what was typed; fields left out take their defaults.
        owner: what the fields belong to, for messages; the class's name when empty.

    Raises:
        UsageError: a field is unknown, missing, or of another type; names it.
    """
    try:
        return from_words(cls, fields, owner=owner)
    except FieldError as error:
        raise UsageError(one_line(error)) from None


def _evaluated(node: ast.expr, label: str, namespace: dict[str, Any], cell: str) -> Any:
    """The value of an expression of a cell, whose lines its traceback shows."""
    code = compile(ast.Expression(node), _CELL, "eval")
    try:
        return eval(code, namespace)
    except NameError as error:
        raise UsageError(f"{label}: {one_line(error)}") from None
    except Exception:
        linecache.cache[_CELL] = (len(cell), None, cell.splitlines(keepends=True), _CELL)
        raise


def request_from_cell(cls: type, cell: str, namespace: Mapping[str, Any], *, owner: str = "") -> Any:
    """The request a cell describes.

    Args:
        cls: the request's dataclass.
        cell: ``field = value`` lines, or one expression that is a request or a dict.
        namespace: where names are looked up.
        owner: what the fields belong to, for messages.

    Raises:
        UsageError: the cell is neither, or a field does not fit.
    """
    owner = owner or cls.__name__
    value = evaluated_fields(cell, namespace, owner, f"a {cls.__name__}")
    if isinstance(value, cls):
        return value
    if isinstance(value, Mapping):
        return build(cls, words_of(value), owner=owner)
    raise UsageError(f"{owner} wants a {cls.__name__} or a dict of its fields, got {type(value).__name__}")


def evaluated_fields(cell: str, namespace: Mapping[str, Any], owner: str, wanted: str = "the grid") -> Any:
    """What a cell says: the fields of its ``field = value`` lines, or the value of its one expression.

    Args:
        cell: its text.
        namespace: where names are looked up.
        owner: what the fields belong to, for messages.
        wanted: what the expression should be, for messages.

    Raises:
        UsageError: the cell is neither.
    """
    try:
        body = ast.parse(cell).body
    except SyntaxError as error:
        raise UsageError(f"the cell is not Python: {error.msg} (line {error.lineno})") from None
    scope = dict(namespace)
    if len(body) == 1 and isinstance(body[0], ast.Expr):
        return _evaluated(body[0].value, owner, scope, cell)
    fields: dict[str, Any] = {}
    for statement in body:
        target = _assigned(statement)
        if target is None:
            raise UsageError(
                f"line {statement.lineno}: wanted `field = value` lines, or one expression that is {wanted}"
            )
        name, node = target
        fields[name] = scope[name] = _evaluated(node, f"field {name!r}", scope, cell)
    return fields


def _assigned(statement: ast.stmt) -> tuple[str, ast.expr] | None:
    """The name and expression of a plain ``name = expression``."""
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        target = statement.targets[0]
        if isinstance(target, ast.Name):
            return target.id, statement.value
    if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name) and statement.value is not None:
        return statement.target.id, statement.value
    return None
