"""Words to grids: what a fan-out calls, and the axes of what it asks."""

from __future__ import annotations

import argparse
import inspect
import typing
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError

from paglets_nb.core.paglet import Paglet
from paglets_nb.core.proxy import PagletProxy
from paglets_nb.errors import PagletError
from paglets_nb.magics.boundary import did_you_mean, one_line
from paglets_nb.magics.parser import Arguments, VerbParser, natural, seconds
from paglets_nb.magics.session import Session
from paglets_nb.magics.tokens import NO_VALUE, Word
from paglets_nb.magics.values import build, field_types, field_value, read_literal, words_of

if TYPE_CHECKING:
    from paglets_nb.experiments.targets import Target

__all__ = ["configure_grid", "function_names", "grid_of", "options_of", "request_type_of", "target_of_word"]

_SEQUENCES = (list, tuple, set, frozenset)


def positive(text: str) -> int:
    """A whole number, 1 or above."""
    value = natural(text)
    if not value:
        raise argparse.ArgumentTypeError("wants a whole number from 1, got '0'")
    return value


def configure_grid(parser: VerbParser) -> None:
    """Add the options that line and cell share."""
    parser.add_argument("--hosts", metavar="HOST", help="hosts, comma-separated (default: every host)")
    parser.add_argument("--repeat", metavar="N", type=positive, default=1, help="how often each request is made")
    parser.add_argument("--timeout", metavar="SECONDS", type=seconds, default=60.0, help="the deadline (default: 60)")
    parser.add_argument(
        "--placement",
        choices=["every", "spread", "pinned"],
        default="every",
        help="each request to every host, to whichever is free, or to hosts in turn",
    )
    parser.add_argument("--per-host", metavar="N", type=positive, default=1, help="cells at once on each host")
    parser.add_argument("--concurrency", metavar="N", type=positive, help="cells at once in all")
    parser.add_argument("--no-plot", action="store_true", help="show the table only")


def options_of(arguments: Arguments) -> dict[str, Any]:
    """The arguments of a ``FanOut`` that these options stand for."""
    return {
        "hosts": None if arguments.hosts is None or str(arguments.hosts) == "all" else str(arguments.hosts),
        "repeat": arguments.repeat,
        "timeout": arguments.timeout,
        "placement": str(arguments.placement),
        "per_host": arguments.per_host,
        "concurrency": arguments.concurrency,
    }


def is_function(value: Any) -> bool:
    """Whether a value is a function that a person may want to fan out."""
    return inspect.isfunction(value) or inspect.isbuiltin(value)


def function_names(namespace: Mapping[str, Any]) -> list[str]:
    """The functions of the notebook."""
    return sorted(
        name
        for name, value in list(namespace.items())
        if inspect.isfunction(value) and value.__module__ == "__main__" and not name.startswith("_")
    )


def target_of_word(session: Session, word: str) -> Any:
    """What a word stands for: a function, a paglet class, a paglet, or a list of paglets.

    Raises:
        UsageError: it stands for none of them.
    """
    from paglets_nb.experiments.targets import proxies_of

    stands_for = word.value if isinstance(word, Word) else NO_VALUE
    for value in (stands_for, session.namespace.get(str(word), NO_VALUE)):
        if value is NO_VALUE:
            continue
        if isinstance(getattr(value, "proxy", value), PagletProxy):
            return session.paglet(word)
        if is_function(value) or proxies_of(value) is not None:
            return value
        if isinstance(value, type) and issubclass(value, Paglet):
            return session.paglet_class(Word(str(word), value))
    if is_function(function := _at(session.namespace, word)):
        return function
    if ":" in word or "." in word:
        return session.paglet_class(word)
    try:
        return session.paglet(word)
    except UsageError as error:
        known = [*session.class_names(), *function_names(session.namespace)]
        hint = did_you_mean(word, known) or f"; classes and functions: {', '.join(known) or 'none'}"
        raise UsageError(f"{one_line(error).partition('; did you')[0]}{hint}") from None


def _at(namespace: Mapping[str, Any], path: str) -> Any:
    """What a dotted path leads to in the notebook, e.g. ``math.sqrt``; None where it leads nowhere."""
    first, *rest = str(path).split(".")
    value = namespace.get(first)
    for name in rest:
        value = getattr(value, name, None)
    return value


def request_type_of(session: Session, target: Any, operation: str | None) -> type | None:
    """The dataclass of the requests; None where there is none, as of a function.

    Raises:
        UsageError: the paglet has no such operation.
    """
    from paglets_nb.experiments.targets import target_of

    if is_function(target):
        return None
    try:
        found: Target = target_of(session.require_mesh(), target, None if operation is None else str(operation))
    except PagletError as error:
        raise UsageError(one_line(error)) from None
    return found.request_type


def _is_sequence(kind: Any) -> bool:
    members = typing.get_args(kind) if typing.get_origin(kind) is typing.Union else (kind,)
    return any((typing.get_origin(member) or member) in _SEQUENCES for member in members)


def _listed(text: str) -> Any:
    """What a text in brackets lists: literals, or words between commas."""
    value = read_literal(text)
    if not isinstance(value, str) or not text.endswith(("]", ")")):
        return value
    return [part.strip() for part in text[1:-1].split(",") if part.strip()]


def _values(word: Word, kind: Any) -> list[Any] | None:
    """The values of an axis; None for a word that is one value.

    A list is an axis; for a field that is a list itself, a list of lists is.
    """
    value = word.value
    if value is NO_VALUE or isinstance(value, str):
        value = _listed(str(word)) if word.startswith(("[", "(")) else None
    if hasattr(value, "tolist") and getattr(value, "ndim", 0) == 1:
        value = value.tolist()
    if not isinstance(value, list | tuple | range):
        return None
    values = list(value)
    if _is_sequence(kind) and not (values and all(isinstance(entry, list | tuple | set) for entry in values)):
        return None
    return values


def grid_of(
    cls: type | None, fields: Mapping[str, Word], owner: str, signature: Callable[..., Any] | None
) -> dict[str, Any]:
    """A grid from ``field=value`` words, each value of the field's type.

    Args:
        cls: the dataclass of the requests; None where there is none.
        fields: the words.
        owner: what the fields belong to, for messages.
        signature: the function that takes the fields, where there is one.

    Raises:
        UsageError: a field is unknown, is missing, has no values or one of another type.
    """
    types = field_types(cls) if cls is not None else {}
    grid: dict[str, Any] = {}
    for name, word in fields.items():
        kind = types.get(name, Any)
        values = _values(word, kind)
        if values == []:
            raise UsageError(f"{owner}: field {name!r} has no values")
        entries = [word] if values is None else [Word(str(v), v, exact=not isinstance(v, str)) for v in values]
        read = [field_value(owner, name, kind, entry) if name in types else _literal(entry) for entry in entries]
        grid[name] = read
    first = {name: values[0] for name, values in grid.items()}
    if cls is not None:
        build(cls, words_of(first), owner=owner)
    if signature is not None:
        try:
            inspect.signature(signature).bind(**first)
        except TypeError as error:
            raise UsageError(f"{owner}: {one_line(error)}") from None
        except ValueError:  # a builtin without a signature
            pass
    return grid


def _literal(word: Word) -> Any:
    return read_literal(str(word)) if word.value is NO_VALUE else word.value
