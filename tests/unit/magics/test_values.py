from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any, Literal

import pytest
from IPython.core.error import UsageError

from paglets_nb.magics.tokens import Word, split_line
from paglets_nb.magics.values import build, read_json, read_literal, request_from_cell, type_name, words_of


class Shade(Enum):
    LIGHT = 1
    DARK = 2


@dataclass(frozen=True)
class Point:
    x: float = 0.0
    y: float = 0.0


@dataclass(frozen=True)
class Everything:
    number: int = 0
    ratio: float = 0.0
    flag: bool = False
    text: str = ""
    maybe: str | None = None
    count: int | None = None
    either: int | str = 0
    shade: Shade = Shade.LIGHT
    path: Path = Path()
    names: list[str] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    unique: set[int] = field(default_factory=set)
    table: dict[str, int] = field(default_factory=dict)
    point: Point = field(default_factory=Point)
    points: list[Point] = field(default_factory=list)
    mode: Literal["fast", "slow"] = "fast"
    data: bytes = b""
    anything: Any = None


@dataclass(frozen=True)
class Needs:
    name: str
    size: int = 1


@dataclass(frozen=True)
class Positive:
    value: int = 1

    def __post_init__(self) -> None:
        if self.value <= 0:
            raise ValueError("value must be above 0")


def _build(line: str, cls: Any = Everything, **names: Any) -> Any:
    return build(cls, {word.field: word for word in split_line(line, names)})


@pytest.mark.parametrize(
    ("line", "name", "value"),
    [
        ("number=5", "number", 5),
        ("number=1_000", "number", 1000),
        ("number=-3", "number", -3),
        ("ratio=2", "ratio", 2.0),
        ("ratio=1e-3", "ratio", 0.001),
        ("flag=true", "flag", True),
        ("flag=Yes", "flag", True),
        ("flag=0", "flag", False),
        ("text=5", "text", "5"),
        ("text=None", "text", "None"),
        ("text=[1]", "text", "[1]"),
        ("text='two words'", "text", "two words"),
        ("maybe=None", "maybe", None),
        ("maybe=here", "maybe", "here"),
        ("maybe=5", "maybe", "5"),
        ("count=null", "count", None),
        ("count=4", "count", 4),
        ("either=4", "either", 4),
        ("either=four", "either", "four"),
        ("shade=DARK", "shade", Shade.DARK),
        ("shade=dark", "shade", Shade.DARK),
        ("shade=2", "shade", Shade.DARK),
        ("path=/tmp/x", "path", Path("/tmp/x")),
        ("names=a,b", "names", ["a", "b"]),
        ("names='[\"a, b\"]'", "names", ["a, b"]),
        ("names=['a', 'b']", "names", ["a", "b"]),
        ("numbers=1,2", "numbers", [1, 2]),
        ("numbers=[1, 2]", "numbers", [1, 2]),
        ("numbers=7", "numbers", [7]),
        ("unique=[2, 1, 2]", "unique", {1, 2}),
        ('table={"a": 1}', "table", {"a": 1}),
        ("table={'a': 1}", "table", {"a": 1}),
        ('point={"x": 1}', "point", Point(1.0)),
        ('points=[{"x": 1}, {"y": 2}]', "points", [Point(1.0), Point(0.0, 2.0)]),
        ("mode=slow", "mode", "slow"),
        ("data=abc", "data", b"abc"),
        ("anything=[1]", "anything", [1]),
        ("anything=word", "anything", "word"),
    ],
)
def test_text_becomes_the_fields_type(line: str, name: str, value: Any) -> None:
    """Each kind of type is read from what a person would type for it."""
    got = getattr(_build(line), name)
    assert (got, type(got)) == (value, type(value))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("number=five", "field 'number' wants int, got 'five'"),
        ("number=1.5", "field 'number' wants int, got '1.5'"),
        ("flag=perhaps", "field 'flag' wants bool, got 'perhaps'"),
        ("shade=grey", r"field 'shade' wants Shade \(1, 2\), got 'grey'"),
        ("count=few", "field 'count' wants int or None, got 'few'"),
        ("mode=odd", "field 'mode' wants one of fast, slow, got 'odd'"),
        ("numbers=[1, 'b']", r"field 'numbers' wants list\[int\], got .*int"),
        ('point={"z": 1}', r"Point has no field 'z' \(fields: x, y\)"),
        ('points=[{"x": 1}, {"y": "low"}]', "Point: field 'y' wants float, got 'low'"),
        ("point=origin", "field 'point' wants Point, got 'origin'"),
        ("nummer=1", r"has no field 'nummer' \(fields: number, .*\); did you mean 'number'\?"),
    ],
)
def test_a_wrong_value_names_the_field_and_what_it_wanted(line: str, said: str) -> None:
    """A wrong type or an unknown field is one line that says which and what would do."""
    with pytest.raises(UsageError, match=said) as caught:
        _build(line)
    assert "\n" not in str(caught.value)


def test_objects_of_the_notebook_are_taken_as_they_are() -> None:
    """``field={expr}`` hands over the object itself, not its text."""
    point = Point(1.0, 2.0)
    made = _build("point={p} anything={p} text={n}", p=point, n=5)
    assert made.point is point
    assert made.anything is point
    assert made.text == "5"


def test_a_missing_field_is_named_with_its_type() -> None:
    """A field without a default that was left out is asked for."""
    with pytest.raises(UsageError, match=r"Needs needs name=... \(str\)"):
        _build("size=2", Needs)


def test_what_the_class_refuses_is_one_line() -> None:
    """A ValueError of ``__post_init__`` reaches the user as a UsageError."""
    with pytest.raises(UsageError, match="Positive: value must be above 0"):
        _build("value=-1", Positive)


def test_a_parametrized_list_is_not_turned_into_text() -> None:
    """An exact value that is no text never fits a text field by its repr."""
    with pytest.raises(UsageError, match="field 'text' wants str"):
        build(Everything, words_of({"text": [1]}))


def test_exact_text_stays_text_for_any() -> None:
    """Text from JSON or a cell is not read as a number where anything goes."""
    assert build(Everything, words_of({"anything": "5"})).anything == "5"


def test_json_is_read_or_explained() -> None:
    """``--json`` takes an object, as JSON or as Python writes it, and nothing else."""
    assert read_json('{"by": 1}') == {"by": 1}
    assert read_json("{'by': None}") == {"by": None}
    with pytest.raises(UsageError, match="--json wants an object"):
        read_json("[1]")
    with pytest.raises(UsageError, match="--json: Expecting"):
        read_json("{by}")


@pytest.mark.parametrize(("text", "value"), [("1", 1), ("null", None), ("true", True), ("a b", "a b"), ("'a'", "a")])
def test_literals_are_python_or_json_or_text(text: str, value: Any) -> None:
    """Raw messages take Python literals, JSON, and anything else as text."""
    assert read_literal(text) == value


@pytest.mark.parametrize(
    ("kind", "name"),
    [(int, "int"), (int | None, "int or None"), (list[int], "list[int]"), (Shade, "Shade (1, 2)"), (Any, "Any")],
)
def test_types_are_named_as_people_write_them(kind: Any, name: str) -> None:
    """Error messages show types in plain words."""
    assert type_name(kind) == name


@pytest.mark.parametrize(
    "cell",
    [
        "number = n * 2\ntext = 'a'\nshade = 'dark'",
        "# a comment\nnumber: int = n + 3\ntext = 'abc'[0]\nshade = Shade.DARK\n",
        "Everything(number=6, text='a', shade=Shade.DARK)",
        "{'number': n + 3, 'text': 'a', 'shade': 2}",
    ],
)
def test_a_cell_is_lines_or_one_expression(cell: str) -> None:
    """Field lines, a request and a dict all make the same request."""
    names = {"n": 3, "Everything": Everything, "Shade": Shade}
    made = request_from_cell(Everything, cell, names)
    assert (made.number, made.text, made.shade) == (6, "a", Shade.DARK)


def test_lines_of_a_cell_see_those_above() -> None:
    """A line may use a field that an earlier line set."""
    assert request_from_cell(Everything, "number = 2\nratio = number / 4", {}).ratio == 0.5


def test_an_empty_cell_is_a_request_of_defaults() -> None:
    """A cell with nothing but comments asks for the defaults."""
    assert request_from_cell(Needs, "name = 'x'", {}) == Needs("x")
    assert request_from_cell(Everything, "# nothing", {}) == Everything()


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("number = ", r"the cell is not Python: .* \(line 1\)"),
        ("for x in y: pass", "line 1: wanted `field = value` lines"),
        ("number, ratio = 1, 2", "line 1: wanted `field = value` lines"),
        ("nmber = 1", "has no field 'nmber'"),
        ("number = missing", "field 'number': name 'missing' is not defined"),
        ("5", "wants a Everything or a dict of its fields, got int"),
        ("number = 'many'", "field 'number' wants int, got 'many'"),
    ],
)
def test_a_cell_that_is_neither_is_explained(cell: str, said: str) -> None:
    """A mistake in a cell is one line that says what was wanted."""
    with pytest.raises(UsageError, match=said):
        request_from_cell(Everything, cell, {})


def test_what_the_cells_own_code_raises_is_the_users_to_see() -> None:
    """An exception in an expression keeps its type."""
    with pytest.raises(ZeroDivisionError):
        request_from_cell(Everything, "number = 1 / 0", {})


def test_words_are_text_too() -> None:
    """A word can be used wherever text can."""
    assert Word("abc", 5).upper() == "ABC"
