from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy
import pytest

from paglets_nb.widgets.forms.code_lines import code_line, field_words
from paglets_nb.widgets.forms.raw_values import raw_values
from paglets_nb.widgets.forms.requests import build
from paglets_nb.widgets.forms.texts import MAX_TEXT, reads_back, same, text_of
from tests.unit.widgets.forms.samples import Everything, Needs, Point, Right, Shade


@dataclass(frozen=True)
class Odd:
    array: numpy.ndarray = field(default_factory=lambda: numpy.arange(3.0))
    anything: Any = None
    name: str = None  # type: ignore[assignment]
    long: str = "x"


def test_nothing_is_filled_in_where_there_is_no_default() -> None:
    """Each control has its own nothing; a dataclass in it the defaults of its fields."""
    assert raw_values(Needs).values == {
        "name": None,
        "size": "",
        "shade": "LIGHT",
        "point": {"x": "0.0", "y": "0.0"},
        "wanted": False,
        "goal": None,
    }


def test_some_fields_may_be_given() -> None:
    """The others are as by default."""
    raws = raw_values(Needs, {"name": "a", "goal": Point(1.5)})
    assert (raws.values["name"], raws.values["goal"], raws.values["size"]) == ("a", {"x": "1.5", "y": "0.0"}, "")


def test_every_control_has_its_raw_value() -> None:
    """As the page holds it, plain JSON."""
    values = raw_values(
        Everything, Everything(table={"a": 1}, points=[Point()], unique={2, 1}, shade=Shade.DARK)
    ).values
    assert json.loads(json.dumps(values)) == values
    assert values["shade"] == "DARK"
    assert values["data"] == {"text": "abc"}
    assert values["array"] == {"hex": "00 ff"}
    assert values["numbers"] == "1\n2"
    assert values["table"] == [["a", "1"]]
    assert values["points"] == [{"x": "0.0", "y": "0.0"}]
    assert values["at"] == "2026-01-31 18:30:00"
    assert values["pause"] == "1.5"


def test_what_no_text_stands_for_is_kept_beside_its_text() -> None:
    """An array goes as it came as long as its field is left alone; so does a sloppy default."""
    made = Odd(anything=numpy.arange(2), long="y" * (MAX_TEXT + 1))
    raws = raw_values(Odd, made)
    assert len(raws.values["long"]) == MAX_TEXT
    values = json.loads(json.dumps({name: raw for name, raw in raws.values.items() if name != "name"}))
    built = build(Odd, {**values, "name": "a"}, known=raws.known)
    assert built.errors == {}
    assert built.request.array is made.array
    assert built.request.anything is made.anything
    assert built.request.long is made.long
    changed = build(Odd, {**values, "name": "a", "array": "1"}, known=raws.known)
    assert list(changed.errors) == ["array"]
    assert raws.values["name"] is None


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        (1, 1, True),
        (1, 1.0, False),
        (True, 1, False),
        (float("nan"), float("nan"), True),
        (numpy.arange(2), numpy.arange(2), False),
        (numpy.arange(1), numpy.arange(1), True),
        ([1], [1], True),
    ],
)
def test_values_are_the_same_by_type_and_value(one: Any, other: Any, alike: bool) -> None:
    """Whatever their comparison does."""
    assert same(one, other) is alike


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        (5, int, "5"),
        ("5", str, "5"),
        ("5", Any, "'5'"),
        (5, Any, "5"),
        ("a", Any, "a"),
        (None, Any, "None"),
        (Right.READ | Right.WRITE, Right, "3"),
        ({"a": Point(1.0)}, dict[str, Point], "{'a': {'x': 1.0, 'y': 0.0}}"),
        (float("nan"), float, "nan"),
        (b"\xff", bytes, "b'\\xff'"),
    ],
)
def test_a_value_has_the_text_that_reads_back(value: Any, kind: Any, text: str) -> None:
    """The plainest one that does."""
    assert text_of(value, kind) == (text, True)
    assert reads_back(text, value, kind)


@pytest.mark.parametrize(
    ("request_", "line"),
    [
        (Everything(), "%paglet call my counter add"),
        (Everything(number=4, flag=True), "flag=true number=4"),
        (Everything(text="two words"), "text='two words'"),
        (Everything(text="it's"), 'text="it\'s"'),
        (Everything(text="a\nb'"), """--json '{"text": "a\\nb'"'"'"}'"""),
        (Everything(shade=Shade.DARK, maybe=""), "maybe='' shade=DARK"),
        (Everything(points=[Point(1.0)]), """points='[{"x": 1.0, "y": 0.0}]'"""),
        (Everything(names=["a b", "c"]), """names='["a b", "c"]'"""),
        (Everything(anything=print), "anything={anything}"),
        (Needs("a", 1, Shade.LIGHT, Point(), False, None), "name=a size=1 shade=LIGHT"),
    ],
)
def test_the_line_names_what_is_not_as_by_default(request_: Any, line: str) -> None:
    """Quoted where it must be; fields without a default always."""
    whole = code_line("call", ("my counter", "add"), request_)
    assert whole.startswith("%paglet call 'my counter' add")
    assert whole.replace("'my counter'", "my counter").find(line) >= 0, whole


def test_an_array_is_named_by_its_field() -> None:
    """It stands for a variable of the notebook."""
    assert field_words(Odd(name="a")) == "array={array} name=a"


def test_a_text_that_is_needed_is_not_there_until_it_is_typed() -> None:
    """Nobody's having typed is not an empty text; one that was typed and deleted is."""

    @dataclass
    class Needed:
        name: str
        where: Path
        note: str = ""

    raws = raw_values(Needed)
    assert raws.values == {"name": None, "where": None, "note": ""}
    assert build(Needed, raws.values).errors == {"name": "is needed (str)", "where": "is needed (Path)"}
    assert build(Needed, {"name": "", "where": "/"}).request == Needed("", Path("/"))


def test_an_empty_key_that_was_there_stays() -> None:
    """It cannot be typed, but the dict it came in is what its field stands for."""

    @dataclass
    class Keyed:
        table: dict[str, int]

    raws = raw_values(Keyed, Keyed({"": 1}))
    assert build(Keyed, raws.values, known=raws.known).request == Keyed({"": 1})
