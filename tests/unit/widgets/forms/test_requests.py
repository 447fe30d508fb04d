from __future__ import annotations

import datetime
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import msgspec
import pytest

from paglets_nb.errors import FieldError, SerializationError, ServiceContractError
from paglets_nb.services.contracts import EmptyPayload
from paglets_nb.widgets.forms.requests import build, control_path, errors_at, items_in
from tests.unit.widgets.forms.samples import Everything, Needs, Node, Point, Rank, Shade, Within


@pytest.mark.parametrize(
    ("name", "raw", "value"),
    [
        ("flag", True, True),
        ("flag", "yes", True),
        ("number", "1_000", 1000),
        ("number", " 7 ", 7),
        ("number", 7, 7),
        ("ratio", "1e-3", 0.001),
        ("ratio", "inf", float("inf")),
        ("ratio", 2, 2.0),
        ("text", "None", "None"),
        ("text", "", ""),
        ("maybe", None, None),
        ("maybe", "None", "None"),
        ("count", "4", 4),
        ("either", "4", 4),
        ("either", "four", "four"),
        ("shade", "DARK", Shade.DARK),
        ("shade", Shade.DARK, Shade.DARK),
        ("shade", 2, Shade.DARK),
        ("rank", "HIGH", Rank.HIGH),
        ("mode", "1", 1),
        ("mode", "'1'", "1"),
        ("mode", "None", None),
        ("path", "x/y", Path("x/y")),
        ("data", {"text": "ä"}, "ä".encode()),
        ("data", {"hex": "00 ff"}, b"\x00\xff"),
        ("data", {"hex": "00FF"}, b"\x00\xff"),
        ("data", "abc", b"abc"),
        ("data", b"\x00", b"\x00"),
        ("array", {"hex": "01"}, bytearray(b"\x01")),
        ("names", "a\nb, c", ["a", "b, c"]),
        ("names", "a, b", ["a", "b"]),
        ("names", "['a, b', '']", ["a, b", ""]),
        ("names", ["a, b"], ["a, b"]),
        ("numbers", "1\n 2\n\n", [1, 2]),
        ("numbers", "", []),
        ("shades", "dark, LIGHT", [Shade.DARK, Shade.LIGHT]),
        ("gaps", "1, none", [1, None]),
        ("pair", "3, x", (3, "x")),
        ("run", "1, 2", (1.0, 2.0)),
        ("unique", "2, 1, 2", {1, 2}),
        ("table", [["a", "1"]], {"a": 1}),
        ("table", {"a": 1}, {"a": 1}),
        ("table", "{'a': 1}", {"a": 1}),
        ("tree", "{'a': [1]}", {"a": [1]}),
        ("tree", '{"a": []}', {"a": []}),
        ("places", '{"a": {"x": 1}}', {"a": Point(1.0)}),
        ("point", {"x": "3"}, Point(3.0)),
        ("point", Point(3.0), Point(3.0)),
        ("point", "{'x': 3}", Point(3.0)),
        ("goal", None, None),
        ("goal", {"y": "1"}, Point(0.0, 1.0)),
        ("points", [{"x": "1"}, Point(2.0)], [Point(1.0), Point(2.0)]),
        ("several", [{}], (Point(),)),
        ("at", "2026-01-31T18:30", datetime.datetime(2026, 1, 31, 18, 30)),  # noqa: DTZ001
        ("at", "2026-01-31 18:30:01", datetime.datetime(2026, 1, 31, 18, 30, 1)),  # noqa: DTZ001
        ("day", "2026-02-01", datetime.date(2026, 2, 1)),
        ("hour", "07:05", datetime.time(7, 5)),
        ("pause", "90", datetime.timedelta(seconds=90)),
        ("metres", "3", 3.0),
        ("anything", "[1]", [1]),
        ("anything", "word", "word"),
        ("node", {"children": [{"name": "a"}], "parent": {}}, Node("", [Node("a")], Node())),
    ],
)
def test_what_is_filled_in_becomes_the_fields_type(name: str, raw: Any, value: Any) -> None:
    """Each control's raw value, and objects as scripts have them."""
    built = build(Everything, {name: raw})
    assert built.errors == {}
    got = getattr(built.request, name)
    assert (got, type(got)) == (value, type(value))


@pytest.mark.parametrize(
    ("name", "raw", "at", "said"),
    [
        ("number", "five", "number", "wants int, got 'five'"),
        ("number", "1.5", "number", "wants int, got '1.5'"),
        ("number", "", "number", "is needed (int)"),
        ("number", None, "number", "is needed (int)"),
        ("number", "9" * 30, "number", "of type int cannot travel"),
        ("ratio", "x" * 90, "ratio", "wants float, got 'xxxxx"),
        ("text", "\ud800", "text", "cannot travel"),
        ("text", 5.5, "text", "wants str, got 5.5"),
        ("count", "few", "count", "wants int, got 'few'"),
        ("shade", "GREY", "shade", "wants Shade (1, 2), got 'GREY'"),
        ("mode", "odd", "mode", "got 'odd'"),
        ("data", {"hex": "0g"}, "data", "wants pairs of hexadecimal digits, got '0g'"),
        ("numbers", "1\nb", "numbers", "item 2 wants int, got 'b'"),
        ("numbers", 5, "numbers", "wants list[int], got 5"),
        ("pair", "1", "pair", "wants 2 items, got 1"),
        ("pair", "a, b", "pair", "item 1 wants int, got 'a'"),
        ("table", [["a", "1"], ["a", "2"]], "table", "has the key 'a' twice"),
        ("table", [["a", "x"]], "table", "'a' wants int, got 'x'"),
        ("table", [["", ""]], "table", "the key is empty, and the value wants int"),
        ("table", [["", "1"]], "table", "the key is empty"),
        ("table", [["a"]], "table", "wants dict[str, int]"),
        ("by_number", [["a", "1"]], "by_number", "a key wants int, got 'a'"),
        ("by_number", [["2", "0.5"]], "", "Only dicts with str keys"),
        ("tree", "{'a': ['b']}", "tree", "wants dict[str, list[int]], got"),
        ("tree", "{", "tree", "wants dict[str, list[int]], got '{'"),
        ("point", {"x": "left"}, "point.x", "wants float, got 'left'"),
        ("point", {"z": "1"}, "point.z", "no such field (fields: x, y)"),
        ("point", None, "point", "is needed (Point)"),
        ("points", [{}, {"y": "up"}], "points[1].y", "wants float, got 'up'"),
        ("points", [5], "points", "row 1 wants Point, got 5"),
        ("points", "[{'x': 'left'}]", "points", "Point: field 'x' wants float"),
        ("node", {"children": [{"parent": {"name": 5.5}}]}, "node.children[0].parent.name", "wants str"),
        ("at", "today", "at", "wants datetime, got 'today'"),
        ("at", "", "at", "wants datetime, got ''"),
        ("small", "11", "small", "must be at least 0, at most 10"),
        ("small", "-1", "small", "must be at least 0, at most 10"),
        ("share", "0", "share", "must be above 0, below 1"),
        ("nunber", "1", "nunber", "did you mean 'number'?"),
    ],
)
def test_what_does_not_fit_is_told_at_its_field(name: str, raw: Any, at: str, said: str) -> None:
    """By the path of the field, with what it wanted and what it got; there is no request then."""
    built = build(Everything, {name: raw})
    assert list(built.errors) == [at]
    assert said in built.errors[at]
    assert "\n" not in built.errors[at]
    assert built.request is None
    assert not built.ok


def test_every_field_is_looked_at() -> None:
    """All that is wrong is told at once."""
    built = build(Everything, {"number": "x", "point": {"x": "a", "y": "b"}, "flag": "maybe"})
    assert sorted(built.errors) == ["flag", "number", "point.x", "point.y"]
    assert sorted(build(Needs, {}).errors) == ["goal", "name", "point", "shade", "size", "wanted"]
    assert build(EmptyPayload, {}).request == EmptyPayload()


def test_a_raw_value_may_stand_for_an_object() -> None:
    """As long as it is not changed, and only in its field."""
    thing = Point(5.0)
    known = {"anything": ("<thing>", thing)}
    assert build(Everything, {"anything": "<thing>"}, known=known).request.anything is thing
    assert build(Everything, {"anything": "<other>"}, known=known).request.anything == "<other>"
    assert build(Everything, {"text": "<thing>"}, known=known).request.text == "<thing>"


@dataclass(frozen=True)
class Picky:
    low: int = 0
    high: int = 1
    code: Annotated[str, msgspec.Meta(pattern="^[a-z]*$")] = ""

    def __post_init__(self) -> None:
        if self.low < 0:
            raise ValueError("low must not be negative")
        if self.low > self.high:
            raise ValueError("wrong way round")
        if self.low == 5:
            raise RuntimeError


@dataclass(frozen=True)
class Outer:
    inner: Picky = Picky()
    inners: list[Picky] = field(default_factory=list)


@pytest.mark.parametrize(
    ("values", "errors"),
    [
        ({"low": "-1"}, {"low": "low must not be negative"}),
        ({"low": "3"}, {"": "wrong way round"}),
        ({"low": "5", "high": "5"}, {"": "RuntimeError"}),
        ({"code": "A"}, {"code": "expected str matching regex '^[a-z]*$'"}),
    ],
)
def test_what_the_class_and_the_wire_refuse_is_told_too(values: Any, errors: dict[str, str]) -> None:
    """At the field that the refusal names, else for the whole request."""
    assert build(Picky, values).errors == errors
    inner = {f"inner.{path}".rstrip("."): text for path, text in errors.items()}
    assert build(Outer, {"inner": values}).errors == inner
    row = {f"inners[0].{path}".rstrip("."): text for path, text in errors.items()}
    assert build(Outer, {"inners": [values]}).errors == row


def test_only_dataclasses_are_built() -> None:
    """Anything else is refused."""
    with pytest.raises(SerializationError, match="wanted a dataclass"):
        build(int, {})


@pytest.mark.parametrize(
    ("path", "control"),
    [
        ("number", "number"),
        ("numbers[2]", "numbers"),
        ("point.x", "point.x"),
        ("points[1].y", "points[1].y"),
        ("points[...].y", "points"),
        ("table[...]", "table"),
        ("places[...].x", "places"),
        ("node.children[0].parent.name", "node.children[0].parent.name"),
        ("missing.x", ""),
        ("point.z", "point"),
        ("", ""),
    ],
)
def test_the_nearest_control_is_found(path: str, control: str) -> None:
    """An error deep in a field that is one control is shown there."""
    assert control_path(Everything, path) == control


@pytest.mark.parametrize(
    ("error", "errors"),
    [
        (SerializationError("expected int, got str", path="Everything.number"), {"number": "expected int, got str"}),
        (SerializationError("expected int", path="Everything.points[1].x"), {"points[1].x": "expected int"}),
        (SerializationError("expected int", path="Reply.number"), {}),
        (SerializationError("wrong"), {}),
        (FieldError("field 'number' is odd"), {"number": "field 'number' is odd"}),
        (ServiceContractError("'number' breaks the contract"), {"number": "'number' breaks the contract"}),
        (ServiceContractError("ratio: too high"), {"ratio": "ratio: too high"}),
        (ServiceContractError("'number' and 'ratio'"), {}),
        (ServiceContractError("a contract"), {}),
        (ValueError("'number' is wrong"), {}),
    ],
)
def test_errors_of_hosts_are_told_at_the_field_they_name(error: Exception, errors: dict[str, str]) -> None:
    """Of a reply, of several or of no field they are told as a whole; so is what a handler raised."""
    assert errors_at(error, Everything) == errors


def test_items_are_listed_as_people_do() -> None:
    """In brackets, one per line, between commas of a single line."""
    assert items_in("a, b,") == ["a", "b"]
    assert items_in("a, b\n\nc") == ["a, b", "c"]
    assert items_in("[1, 'b']") == ["1", "b"]
    assert items_in("[a, b]") == ["[a", "b]"]
    assert items_in("") == []


def test_bounds_are_checked_of_optional_fields() -> None:
    """Where they are set."""

    @dataclass
    class Bounded:
        size: Annotated[int, Within(ge=1)] | None = None

    assert build(Bounded, {"size": None}).ok
    assert build(Bounded, {"size": "0"}).errors == {"size": "must be at least 1"}
