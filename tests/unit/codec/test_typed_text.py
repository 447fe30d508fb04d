from __future__ import annotations

import datetime
import pickle
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import pytest

from paglets_nb.codec.typed_text import (
    Word,
    converted,
    did_you_mean,
    field_types,
    field_value,
    from_words,
    words_of,
)
from paglets_nb.errors import FieldError, SerializationError


@dataclass(frozen=True)
class Point:
    x: float = 0.0


@dataclass(frozen=True)
class Order:
    what: str
    count: Annotated[int, "how many"] = 1
    points: list[Point] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.count < 0:
            raise ValueError("count must\nnot be negative")


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("nan", float, float("nan")),
        ("-inf", float, float("-inf")),
        ("1_000.5", float, 1000.5),
        ("abc", bytearray, bytearray(b"abc")),
        ("b'\\xff'", bytearray, bytearray(b"\xff")),
        ("2026-01-31 18:30", datetime.datetime, datetime.datetime(2026, 1, 31, 18, 30)),  # noqa: DTZ001
        ("2026-01-31", datetime.date, datetime.date(2026, 1, 31)),
        ("18:30", datetime.time | None, datetime.time(18, 30)),
        ("none", datetime.time | None, None),
    ],
)
def test_text_means_what_a_person_means(text: str, kind: Any, value: Any) -> None:
    """What the magics' own tests do not cover: numbers that are none, moments, bytearrays."""
    got = converted(Word(text), kind)
    assert type(got) is type(value)
    assert repr(got) == repr(value)


def test_an_object_is_taken_for_what_it_is_first() -> None:
    """Text that is given as an object stays text where it may."""
    either = Literal[1, "1"]
    assert converted(Word("1"), either) == 1
    assert converted(Word("1", "1", exact=True), either) == "1"
    assert converted(Word("5", "5", exact=True), int) == 5


def test_errors_name_owner_field_and_what_it_wanted() -> None:
    """In one line each; the error carries the field, also through a pickle."""
    cases: list[tuple[dict[str, Any], str, str]] = [
        ({"what": "a", "count": "x"}, "count", "Order: field 'count' wants int, got 'x'"),
        ({"count": 1}, "what", "Order needs what=... (str)"),
        ({"wha": "a"}, "wha", "Order has no field 'wha' (fields: what, count, points); did you mean 'what'?"),
        ({"what": "a", "count": -1}, "", "Order: count must not be negative"),
    ]
    for fields, at, said in cases:
        with pytest.raises(FieldError) as caught:
            from_words(Order, words_of(fields))
        assert (str(caught.value), caught.value.path) == (said, at)
        assert vars(pickle.loads(pickle.dumps(caught.value))) == vars(caught.value)


def test_a_long_value_is_cut_and_a_dataclass_in_it_named() -> None:
    """So the line stays readable."""
    with pytest.raises(FieldError, match=r"got 'x{57}\.\.\.'$"):
        field_value("it", "count", int, Word("x" * 99))
    with pytest.raises(FieldError, match=r"wants list\[.*Point\], got .* \(Point: field 'x' wants float, got 'low'\)$"):
        field_value("it", "points", list[Point], Word("[{'x': 'low'}]"))


def test_a_word_for_what_has_several_parts_says_how_they_are_written() -> None:
    """A mapping, a dataclass and a sequence."""
    for kind, example in (
        (dict[str, int], r'm=\{"key": \.\.\.\}'),
        (Point, r'm=\{"x": \.\.\..*\}'),
        (tuple[int, int], r"m=\[\.\.\., \.\.\.\]"),
    ):
        with pytest.raises(FieldError, match=f"got 'a'; write {example}$"):
            field_value("it", "m", kind, Word("a"))


def test_annotations_can_be_kept() -> None:
    """For whoever looks for bounds in them."""
    assert field_types(Order)["count"] is int
    assert field_types(Order, annotated=True)["count"] == Annotated[int, "how many"]


def test_a_near_word_is_offered() -> None:
    """And none where none is near."""
    assert did_you_mean("ad", ["add", "total"]) == "; did you mean 'add'?"
    assert did_you_mean("om", ["on", "call"]) == "; did you mean 'on'?"
    for wrong, known in (("xyz", "add"), ("bogus", "log"), ("--name", "--all")):
        assert did_you_mean(wrong, [known]) == ""


def test_what_means_nothing_is_refused() -> None:
    """With what the codec says of it."""
    with pytest.raises(SerializationError, match="expected"):
        converted(Word("{}"), list[int])
