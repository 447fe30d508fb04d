"""A request as the line of a magic that makes the same one."""

from __future__ import annotations

import json
import shlex
from typing import Any

from paglets_nb.codec.typed_text import NO_VALUE, Word, converted, field_types
from paglets_nb.errors import SerializationError
from paglets_nb.widgets.forms.fields import FieldSpec, describe_fields
from paglets_nb.widgets.forms.texts import plain, readings, reads_back, same

__all__ = ["code_line", "field_words"]


def _quoted(text: str) -> str:
    """A text as one word of a magic's line, none of it expanded."""
    if "'" in text and not set(text) & set('"\\${'):
        return f'"{text}"'
    return shlex.quote(text)


def _word(spec: FieldSpec, value: Any, kind: Any) -> str | None:
    """``field=value`` that is read as this value; None where no one line is."""
    for text in sorted(readings(value), key=lambda text: "'" in text):  # those that are easy to quote come first
        if text.isprintable() and reads_back(text, value, kind):
            return f"{spec.name}={_quoted(text)}"
    return None


def _json(value: Any, kind: Any) -> Any:
    """A value as JSON from which it is read; NO_VALUE where there is none."""
    try:
        literal = json.loads(json.dumps(plain(value)))
        return literal if same(converted(Word(str(literal), literal, exact=True), kind), value) else NO_VALUE
    except (TypeError, ValueError, SerializationError):
        return NO_VALUE


def field_words(request: Any) -> str:
    """The fields of a request that are not as by default, as ``field=value`` words.

    What no text in one line stands for goes into ``--json``; what that cannot hold either
    refers to a variable of the notebook by the field's name.
    """
    words: list[str] = []
    rest: dict[str, Any] = {}
    kinds = field_types(type(request))
    for spec in describe_fields(type(request)):
        value = getattr(request, spec.name, NO_VALUE)
        if value is NO_VALUE or (not spec.required and same(value, spec.default)):
            continue
        word = _word(spec, value, kinds[spec.name])
        literal = _json(value, kinds[spec.name]) if word is None else NO_VALUE
        if literal is not NO_VALUE:
            rest[spec.name] = literal
        else:
            words.append(word or f"{spec.name}={{{spec.name}}}")
    if rest:
        words.append(f"--json {_quoted(json.dumps(rest))}")
    return " ".join(words)


def code_line(verb: str, words: tuple[str, ...], request: Any) -> str:
    """The line that does what a form does, e.g. ``%paglet call counter add by=2``.

    Args:
        verb: of ``%paglet``.
        words: what stands before the fields.
        request: the request.
    """
    return " ".join(part for part in (f"%paglet {verb}", *map(_quoted, words), field_words(request)) if part)
