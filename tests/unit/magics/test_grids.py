from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy
import pytest
from IPython.core.error import UsageError

from paglets_nb.magics.grids import function_names, grid_of
from paglets_nb.magics.tokens import split_line


@dataclass
class Request:
    """Fields of several types."""

    by: int = 1
    ratio: float = 0.0
    words: list[str] = field(default_factory=list)
    note: str = ""
    deep: bool | None = None


def of_line(text: str, namespace: dict[str, Any] | None = None, cls: type | None = Request) -> dict[str, Any]:
    """The grid of the fields of a line."""
    words = split_line(text, namespace or {})
    return grid_of(cls, {word.field: word for word in words}, "it", None)


@pytest.mark.parametrize(
    ("line", "grid"),
    [
        ("by=2", {"by": [2]}),
        ("by=[1,2]", {"by": [1, 2]}),
        ("by={range(3)} ratio=1", {"by": [0, 1, 2], "ratio": [1.0]}),
        ("ratio=$array", {"ratio": [0.5, 1.5]}),
        ("note=[a,b]", {"note": ["a", "b"]}),
        ("note=['a b',\"c\"]", {"note": ["a b", "c"]}),
        ("deep=[yes,none]", {"deep": [True, None]}),
        ("words=a,b", {"words": [["a", "b"]]}),
        ("words=['a','b']", {"words": [["a", "b"]]}),
        ("words=[['a'],['b','c']]", {"words": [["a"], ["b", "c"]]}),
    ],
)
def test_lists_are_axes_of_the_fields_type(line: str, grid: dict[str, Any]) -> None:
    """A list is an axis, but for a field that is one; each value becomes what the field wants."""
    assert of_line(line, {"array": numpy.array([0.5, 1.5])}) == grid


def test_without_types_literals_are_read() -> None:
    """As of a function's arguments."""
    assert of_line("a=[1,'x'] b=text c=2.5", cls=None) == {"a": [1, "x"], "b": ["text"], "c": [2.5]}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("by=[1,x]", "it: field 'by' wants int, got 'x'"),
        ("by=[]", "it: field 'by' has no values"),
        ("bye=[1]", "it has no field 'bye'"),
    ],
)
def test_mistakes_are_told(line: str, said: str) -> None:
    """Which field, and what it wanted."""
    with pytest.raises(UsageError, match=said):
        of_line(line)


def test_functions_of_the_notebook_are_known() -> None:
    """Those that were defined there."""

    def mine() -> None:
        """Nothing."""

    mine.__module__ = "__main__"
    assert function_names({"mine": mine, "theirs": pytest.raises, "_hidden": mine, "n": 1}) == ["mine"]
