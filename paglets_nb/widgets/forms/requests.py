"""What a form holds to a request and back, with the errors by field.

What a form holds are raw values: plain JSON values by field name. A number, a path, a date
and anything that is written as a literal is its text; a checkbox a bool; a choice its label;
bytes ``{"text": ...}`` or ``{"hex": ...}``; a list of scalars text with one per line or between
commas; a dataclass its fields by name; a list of dataclasses a list of those; a dict a list of
``[key, value]``; an optional field that is not set None. Objects of Python are taken as they
are, so that ``build`` serves scripts too. It must not know any widget.
"""

from __future__ import annotations

import re
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from paglets_nb.codec.payload import decode, encode
from paglets_nb.codec.typed_text import Word, converted, did_you_mean, read_literal, type_name
from paglets_nb.errors import PagletError, SerializationError, ServiceContractError
from paglets_nb.widgets.forms.fields import Control, FieldSpec, describe_fields

__all__ = ["Built", "Known", "build", "control_path", "errors_at", "items_in"]

Known = Mapping[str, tuple[Any, Any]]
"""By the path of a field: a raw value, and the object that it stands for."""
_COMPOSITE = (Control.LITERAL, Control.PAIRS, Control.ROWS, Control.GROUP)
_PART = re.compile(r"\.?(\w+)|\[([^\]]*)\]")


@dataclass(frozen=True)
class Built:
    """What became of raw values.

    Attributes:
        request: the request; None where there are errors.
        errors: what is wrong, by the path of the field (``point.x``, ``rows[1].name``); what
            concerns the whole request under the empty path.
    """

    request: Any
    errors: dict[str, str]

    @property
    def ok(self) -> bool:
        """Whether there is a request."""
        return not self.errors


def items_in(text: str) -> list[Any]:
    """The items of a list as it is typed: a literal in brackets, one per line, or between commas in a single line.

    In several lines a comma is a part of its item.
    """
    stripped = text.strip()
    if stripped.startswith(("[", "(", "{")):
        value = read_literal(stripped)
        if isinstance(value, list | tuple | set):
            return [entry if isinstance(entry, str) else Word(str(entry), entry, exact=True) for entry in value]
    parts = stripped.splitlines() if "\n" in stripped else stripped.split(",")
    return [part.strip() for part in parts if part.strip()]


def _shown(raw: Any) -> str:
    text = repr(str(raw) if isinstance(raw, str) else raw)
    return text if len(text) <= 60 else f"{text[:57]}..."


class _RefusedError(Exception):
    """A field whose value does not fit; its message says why."""


class _Builder:
    """Makes one request.

    Args:
        known: raw values that stand for objects.
    """

    def __init__(self, known: Known) -> None:
        self.errors: dict[str, str] = {}
        self._known = known
        self._makers: dict[Control, Callable[[FieldSpec, Any, str], Any]] = {
            Control.BYTES: self._bytes,
            Control.CHOICE: self._choice,
            Control.GROUP: self._group,
            Control.ITEMS: self._items,
            Control.PAIRS: self._pairs,
            Control.ROWS: self._rows,
        }

    def instance(self, cls: type, values: Mapping[str, Any], path: str) -> Any:
        """An instance of a dataclass; None, and the errors kept, where that does not work."""
        before = len(self.errors)
        specs = {spec.name: spec for spec in describe_fields(cls)}
        prefix = f"{path}." if path else ""
        for name in values:
            if name not in specs:
                listed = ", ".join(specs) or "none"
                self.errors[f"{prefix}{name}"] = f"no such field (fields: {listed}){did_you_mean(str(name), specs)}"
        made: dict[str, Any] = {}
        for name, spec in specs.items():
            at = f"{prefix}{name}"
            try:
                if name in values:
                    made[name] = self._value(spec, values[name], at)
                elif spec.required:
                    raise _RefusedError(f"is needed ({type_name(spec.kind)})")
            except _RefusedError as refusal:
                self.errors[at] = str(refusal)
        if len(self.errors) > before:
            return None
        try:
            return cls(**made)
        except Exception as error:  # user code: its __post_init__ may raise anything
            text = " ".join(str(error).split()) or type(error).__name__
            self.errors[prefix + _mentioned(text, specs) if _mentioned(text, specs) else path] = text
            return None

    def _value(self, spec: FieldSpec, raw: Any, path: str) -> Any:
        known = self._known.get(path)
        if known is not None and known[0] == raw:
            return known[1]
        if raw is None:
            if spec.optional or spec.control is Control.LITERAL:
                return None
            raise _RefusedError(f"is needed ({type_name(spec.kind)})")
        value = self._makers.get(spec.control, self._scalar)(spec, raw, path)
        if isinstance(value, int | float) and not isinstance(value, bool):
            refusal = spec.bounds.refusal(value)
            if refusal:
                raise _RefusedError(refusal)
        return value

    def _read(self, kind: Any, raw: Any, what: str = "", *, detailed: bool = False) -> Any:
        """A value of a type from text or from an object."""
        word = raw if isinstance(raw, Word) else Word(raw) if isinstance(raw, str) else Word(str(raw), raw, exact=True)
        try:
            return converted(word, kind)
        except SerializationError as error:
            detail = f" ({' '.join(str(error).split())})" if detailed else ""
            raise _RefusedError(f"{what}wants {type_name(kind)}, got {_shown(raw)}{detail}") from None

    def _scalar(self, spec: FieldSpec, raw: Any, _path: str) -> Any:
        if isinstance(raw, str) and not raw.strip() and spec.control in (Control.NUMBER, Control.CHECKBOX):
            raise _RefusedError(f"is needed ({type_name(spec.kind)})")
        return self._read(spec.kind, raw, detailed=spec.control in _COMPOSITE)

    def _choice(self, spec: FieldSpec, raw: Any, _path: str) -> Any:
        for choice in spec.choices:
            if raw is choice.value or (isinstance(raw, str) and raw == choice.label):
                return choice.value
        return self._read(spec.kind, raw)

    def _bytes(self, spec: FieldSpec, raw: Any, _path: str) -> Any:
        if not isinstance(raw, Mapping):
            return self._read(spec.kind, raw)
        if "hex" not in raw:
            return spec.kind(str(raw.get("text", "")).encode())
        try:
            return spec.kind(bytes.fromhex(str(raw["hex"])))
        except ValueError:
            raise _RefusedError(f"wants pairs of hexadecimal digits, got {_shown(raw['hex'])}") from None

    def _group(self, spec: FieldSpec, raw: Any, path: str) -> Any:
        if isinstance(raw, Mapping) and spec.nested is not None:
            return self.instance(spec.nested, raw, path)
        return self._read(spec.kind, raw, detailed=True)

    def _rows(self, spec: FieldSpec, raw: Any, path: str) -> Any:
        cls = spec.nested
        if cls is None or isinstance(raw, str) or not isinstance(raw, Sequence):
            return self._read(spec.kind, raw, detailed=True)
        rows: list[Any] = []
        for index, row in enumerate(raw):
            if isinstance(row, Mapping):
                rows.append(self.instance(cls, row, f"{path}[{index}]"))
            else:
                rows.append(self._read(cls, row, f"row {index + 1} ", detailed=True))
        return self._collected(spec.kind, rows)

    def _items(self, spec: FieldSpec, raw: Any, _path: str) -> Any:
        if not isinstance(raw, str | list | tuple | set | frozenset):
            return self._read(spec.kind, raw, detailed=True)
        items = items_in(raw) if isinstance(raw, str) else list(raw)
        kinds = [spec.item] * len(items)
        if spec.item is None:
            kinds = list(typing.get_args(spec.kind))
            if len(kinds) != len(items):
                raise _RefusedError(f"wants {len(kinds)} items, got {len(items)}")
        numbered = enumerate(zip(items, kinds, strict=True), 1)
        return self._collected(spec.kind, [self._read(kind, raw, f"item {at} ") for at, (raw, kind) in numbered])

    def _pairs(self, spec: FieldSpec, raw: Any, _path: str) -> Any:
        if not isinstance(raw, Mapping) and not _is_pairs(raw):
            return self._read(spec.kind, raw, detailed=True)
        found: dict[Any, Any] = {}
        for key, value in raw.items() if isinstance(raw, Mapping) else raw:
            if key == "" and not isinstance(raw, Mapping):
                raise _RefusedError(self._keyless(spec, value))
            read = self._read(spec.key, key, "a key ")
            if read in found:
                raise _RefusedError(f"has the key {_shown(key)} twice")
            found[read] = self._read(spec.item, value, f"{_shown(key)} ")
        return found

    def _keyless(self, spec: FieldSpec, value: Any) -> str:
        """What is wrong with an entry whose key was left empty."""
        try:
            self._read(spec.item, value)
        except _RefusedError:
            return f"the key is empty, and the value wants {type_name(spec.item)}"
        return "the key is empty"

    def _collected(self, kind: Any, items: list[Any]) -> Any:
        origin = typing.get_origin(kind) or kind
        try:
            return origin(items) if origin in (tuple, set, frozenset) else items
        except TypeError as error:
            raise _RefusedError(str(error)) from None


def _is_pairs(raw: Any) -> bool:
    return isinstance(raw, list | tuple) and all(isinstance(pair, list | tuple) and len(pair) == 2 for pair in raw)


def _mentioned(text: str, names: Mapping[str, Any]) -> str:
    """The one field that a message names: in quotes, or as its first word; empty where there is none."""
    quoted = [name for name in names if re.search(rf"['\"`]{re.escape(name)}['\"`]", text)]
    first = [name for name in names if re.match(rf"(?:field )?{re.escape(name)}\b(?!\()", text)]
    found = quoted or first
    return found[0] if len(found) == 1 else ""


def control_path(request_type: type, path: str) -> str:
    """The nearest field with a control of its own on the way to a place in a request."""
    reached, cls, spec = "", request_type, None
    for name, index in _PART.findall(path):
        if name:
            specs = {spec.name: spec for spec in describe_fields(cls)}
            if name not in specs:
                break
            spec = specs[name]
            reached = f"{reached}.{name}".lstrip(".")
            if spec.nested is None:
                break
            cls = spec.nested
        elif spec is not None and spec.control is Control.ROWS and index.isdigit():
            reached = f"{reached}[{index}]"
        else:
            break
    return reached


def errors_at(error: BaseException, request_type: type) -> dict[str, str]:
    """What an error says of a request, by field; empty for one that concerns no field of it.

    Args:
        error: a SerializationError or a ServiceContractError, of here or of a host.
        request_type: the dataclass of the request.
    """
    text = " ".join(str(error).split())
    if isinstance(error, SerializationError):
        owner, _dot, path = error.path.partition(".")
        at = control_path(request_type, path) if owner == request_type.__name__ else ""
        if at:
            return {at: text.removeprefix(f"{error.path}: ")}
    if isinstance(error, SerializationError | ServiceContractError):
        specs = {spec.name: spec for spec in describe_fields(request_type)}
        if _mentioned(text, specs):
            return {_mentioned(text, specs): text}
    return {}


def build(request_type: type, values: Mapping[str, Any], *, known: Known | None = None) -> Built:
    """A request from what was filled in.

    Args:
        request_type: its dataclass.
        values: raw values, or objects, by field name; fields left out take their defaults.
        known: by path, the raw value of a field and the object that it stands for.

    Returns:
        The request, or the errors by field; every field is looked at, and the whole is what a
        host would accept.

    Raises:
        SerializationError: ``request_type`` is no dataclass.
    """
    builder = _Builder(known or {})
    request = builder.instance(request_type, values, "")
    if not builder.errors:
        try:
            decode(*encode(request), request_type)
        except PagletError as error:
            builder.errors.update(errors_at(error, request_type) or {"": " ".join(str(error).split())})
        except Exception as error:  # user code: its __post_init__ may raise anything
            builder.errors[""] = f"{type(error).__name__}: {error}"
    return Built(None if builder.errors else request, builder.errors)
