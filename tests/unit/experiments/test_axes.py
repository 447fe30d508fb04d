from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import pytest

from paglets_nb.errors import ExperimentError
from paglets_nb.experiments.axes import AxisField, fields_of_type, parameters_of, read_axis, read_grid, written


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True)
class Request:
    size: int
    scale: float = 1.5
    colour: Colour = Colour.RED
    name: str = "x"
    tags: list[str] = field(default_factory=list)
    deep: bool = False
    maybe: int | None = None


FIELDS = {one.name: one for one in fields_of_type(Request)}


@pytest.mark.parametrize(
    ("name", "text", "values"),
    [
        ("size", "5", [5]),
        ("size", " [1, 2] ", [1, 2]),
        ("size", "range(3)", [0, 1, 2]),
        ("size", "range(2, 8, 3)", [2, 5]),
        ("scale", "[1, 2.5]", [1.0, 2.5]),
        ("colour", "[red, BLUE]", [Colour.RED, Colour.BLUE]),
        ("name", "[a, 'b c']", ["a", "'b c'"]),
        ("name", "['a', 'b c']", ["a", "b c"]),
        ("name", "12", ["12"]),
        ("name", "[1, 2]", ["1", "2"]),
        ("tags", "['a', 'b']", [["a", "b"]]),
        ("tags", "[['a'], ['b', 'c']]", [["a"], ["b", "c"]]),
        ("deep", "[yes, False]", [True, False]),
        ("maybe", "[None, 3]", [None, 3]),
    ],
)
def test_a_text_is_an_axis_or_a_value(name: str, text: str, values: list[Any]) -> None:
    """Each value of the field's type; a list is an axis, for a field that is a list a list of lists."""
    read = read_axis(FIELDS[name], text)
    assert read == values
    assert [type(one) for one in read] == [type(one) for one in values]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("size", "many", "field 'size' wants int, got 'many'"),
        ("size", "[1, x]", "field 'size' wants int, got 'x'"),
        ("size", "[]", "field 'size' has no values"),
        ("colour", "green", "field 'colour' wants red | blue, got 'green'"),
        ("size", "range(10000000)", "at most 100,000"),
    ],
)
def test_what_does_not_fit_is_told(name: str, text: str, said: str) -> None:
    """With the field and what it wants."""
    with pytest.raises(ExperimentError) as caught:
        read_axis(FIELDS[name], text)
    assert said in str(caught.value)


def test_fields_tell_their_type_and_default() -> None:
    """So that a person knows what to type."""
    assert [(one.hint, one.required) for one in FIELDS.values()][:3] == [
        ("int", True),
        ("float = 1.5", False),
        ("red | blue = 'red'", False),
    ]
    assert [(one.name, one.hint, one.required) for one in parameters_of(lambda n, scale=10, **more: n)] == [
        ("n", "value", True),
        ("scale", "value = 10", False),
    ]
    assert parameters_of(max) == []


def test_a_grid_is_read_whole() -> None:
    """A field without a text has its default; one that has none is asked for."""
    fields = list(FIELDS.values())
    assert read_grid(fields, {"size": "[1, 2]", "name": "  ", "scale": "2"}) == {"size": [1, 2], "scale": [2.0]}
    with pytest.raises(ExperimentError, match="field 'size' is required"):
        read_grid(fields, {"scale": "2"})
    assert read_grid([AxisField("n", Any, "value", True)], {"n": "[1, 'a', {'b': 2}]"}) == {"n": [1, "a", {"b": 2}]}


@pytest.mark.parametrize("name", ["size", "scale", "colour", "name", "maybe"])
def test_what_is_written_is_read_again(name: str) -> None:
    """An axis as the text that stands for it."""
    values = {
        "size": [1, 2],
        "scale": [0.5],
        "colour": [Colour.BLUE, Colour.RED],
        "name": ["a b", "c"],
        "maybe": [None],
    }
    assert read_axis(FIELDS[name], written(values[name])) == values[name]
    assert written(range(3)) == "range(0, 3)"
