"""Requests to what a form holds, and a form's fields to what its page has to know of them.

The other way round, from raw values to a request, is in ``forms.requests``.
"""

from __future__ import annotations

import typing
from collections.abc import Mapping
from typing import Any

from paglets_nb.codec.typed_text import NO_VALUE, type_name
from paglets_nb.widgets.forms.fields import Control, FieldSpec, describe_fields
from paglets_nb.widgets.forms.requests import items_in
from paglets_nb.widgets.forms.texts import same, text_of

__all__ = ["RawValues", "page_fields", "raw_values"]

MAX_NESTING = 8
"""Dataclasses within dataclasses that a form shows."""
_TYPED = (Control.TEXT, Control.LINES, Control.PATH)
"""Where an empty text may be meant, so that nobody's having typed is something else: None."""


class RawValues:
    """Raw values, and the objects that some of them stand for because no text does.

    Attributes:
        values: raw values by field name.
        known: by path, the raw value and its object.
    """

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.known: dict[str, tuple[Any, Any]] = {}

    def of_fields(self, cls: type, made: Any, path: str = "", nesting: int = 0) -> dict[str, Any]:
        """The raw values of a dataclass's fields.

        Args:
            cls: the dataclass.
            made: an instance of it, a dict of some of its fields, or None for its defaults.
            path: where it is in the request.
            nesting: how deep.
        """
        raws: dict[str, Any] = {}
        for spec in describe_fields(cls):
            value = spec.default
            if isinstance(made, Mapping):
                value = made.get(spec.name, value)
            elif made is not None:
                value = getattr(made, spec.name, value)
            raws[spec.name] = self.of_value(spec, value, f"{path}.{spec.name}".lstrip("."), nesting)
        return raws

    def of_value(self, spec: FieldSpec, value: Any, path: str, nesting: int = 0) -> Any:
        """The raw value of one field; of nothing in it for NO_VALUE."""
        if value is NO_VALUE:
            untouched = spec.required and spec.control in _TYPED
            return None if spec.optional or untouched else self._blank(spec, path, nesting)
        if value is None and spec.optional:
            return None
        raw, exact = self._raw(spec, value, path, nesting)
        if not exact:
            self.known[path] = (raw, value)
        return raw

    def _blank(self, spec: FieldSpec, path: str, nesting: int) -> Any:
        if spec.control is Control.GROUP and spec.nested is not None:
            return self.of_fields(spec.nested, None, path, nesting + 1) if nesting < MAX_NESTING else None
        return _blank(spec)

    def _raw(self, spec: FieldSpec, value: Any, path: str, nesting: int) -> tuple[Any, bool]:
        control, nested = spec.control, spec.nested
        if control is Control.CHECKBOX:
            return bool(value), isinstance(value, bool)
        if control is Control.CHOICE:
            labels = [choice.label for choice in spec.choices if same(choice.value, value)]
            return (labels[0], True) if labels else (str(value), False)
        if control is Control.BYTES and isinstance(value, bytes | bytearray):
            return _raw_bytes(bytes(value)), True
        if control is Control.ITEMS:
            return _raw_items(value, spec)
        if control is Control.PAIRS and isinstance(value, Mapping):
            texts = [(text_of(key, spec.key), text_of(entry, spec.item)) for key, entry in value.items()]
            exact = all(a and b and key for (key, a), (_, b) in texts)  # an empty key cannot be typed
            return [[key, entry] for (key, _), (entry, _) in texts], exact
        if control is Control.GROUP and nested is not None and isinstance(value, nested) and nesting < MAX_NESTING:
            return self.of_fields(nested, value, path, nesting + 1), type(value) is nested
        if control is Control.ROWS and nested is not None and isinstance(value, list | tuple | set | frozenset):
            rows = enumerate(value)
            raws = [self.of_fields(nested, row, f"{path}[{index}]", nesting + 1) for index, row in rows]
            return raws, all(type(row) is nested for row in value)
        return text_of(value, spec.kind)


def _blank(spec: FieldSpec) -> Any:
    """The raw value of nothing in a field."""
    if spec.control is Control.CHECKBOX:
        return False
    if spec.control is Control.CHOICE:
        return spec.choices[0].label if spec.choices else ""
    if spec.control in (Control.ROWS, Control.PAIRS):
        return []
    if spec.control is Control.BYTES:
        return {"text": ""}
    return {} if spec.control is Control.GROUP else ""


def _raw_bytes(value: bytes) -> dict[str, str]:
    try:
        text = value.decode()
    except UnicodeError:
        return {"hex": value.hex(" ")}
    return {"text": text} if all(char.isprintable() for char in text) else {"hex": value.hex(" ")}


def _raw_items(value: Any, spec: FieldSpec) -> tuple[str, bool]:
    """The items one per line where that reads back, else as a literal."""
    if not isinstance(value, list | tuple | set | frozenset):
        return text_of(value, spec.kind)
    items = list(value)
    fixed = spec.item is None and len(typing.get_args(spec.kind)) == len(items)
    kinds = typing.get_args(spec.kind) if fixed else [spec.item or Any] * len(items)
    texts = [text_of(item, kind) for item, kind in zip(items, kinds, strict=True)]
    lines = [text for text, _exact in texts]
    joined = "\n".join(lines)
    if items_in(joined) == lines:
        return joined, all(exact for _text, exact in texts)
    return text_of(value, spec.kind)


def raw_values(cls: type, made: Any = None) -> RawValues:
    """The raw values of a request.

    Args:
        cls: its dataclass.
        made: the request, a dict of some of its fields, or None for the defaults.
    """
    raws = RawValues()
    raws.values = raws.of_fields(cls, made)
    return raws


def _page_field(spec: FieldSpec, nested: str | None) -> dict[str, Any]:
    slider = spec.bounds.slider(spec.kind) if spec.control is Control.NUMBER else None
    blank = _blank(spec)
    return {
        "name": spec.name,
        "control": spec.control.value,
        "optional": spec.optional,
        "required": spec.required,
        "type": type_name(spec.kind),
        "help": spec.help,
        "hint": spec.hint or spec.bounds.words(),
        "choices": [choice.label for choice in spec.choices],
        "slider": list(slider) if slider else None,
        "whole": spec.kind is int,
        "blank": blank,
        "nested": nested,
    }


def page_fields(cls: type) -> dict[str, list[dict[str, Any]]]:
    """What a page has to know of a dataclass's fields, and of those of the dataclasses in it.

    Returns:
        The fields by dataclass, that of ``cls`` under the empty name; each with its raw default
        under ``initial``.
    """
    names: dict[type, str] = {cls: ""}
    found: dict[str, list[dict[str, Any]]] = {}
    waiting = [cls]
    while waiting:
        at = waiting.pop()
        initial = raw_values(at).values
        fields = []
        for spec in describe_fields(at):
            if spec.nested is not None and spec.nested not in names:
                names[spec.nested] = f"{len(names)} {spec.nested.__name__}"
                waiting.append(spec.nested)
            nested = names[spec.nested] if spec.nested is not None else None
            fields.append({**_page_field(spec, nested), "initial": initial[spec.name]})
        found[names[at]] = fields
    return found
