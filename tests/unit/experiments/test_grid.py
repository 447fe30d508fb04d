from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paglets_nb.errors import ExperimentError
from paglets_nb.experiments.grid import MAX_CELLS, axes_of, cells_of, combinations

HOSTS = ["alpha", "beta", "gamma"]


@dataclass(frozen=True)
class Request:
    """A request given whole."""

    n: int = 0


def test_axes_are_combined_and_single_values_are_not() -> None:
    """Lists, tuples, ranges and arrays are axes; text and everything else is one value."""
    grid = {"a": [1, 2], "b": (3,), "c": range(2), "d": numpy.array([0.5]), "e": "text", "f": {"x": 1}}
    found = combinations(grid)
    assert len(found) == 4
    assert found[0] == {"a": 1, "b": 3, "c": 0, "d": 0.5, "e": "text", "f": {"x": 1}}
    assert [(one["a"], one["c"]) for one in found] == [(1, 0), (1, 1), (2, 0), (2, 1)]


@given(st.dictionaries(st.sampled_from("abcd"), st.lists(st.integers(), min_size=1, max_size=4), max_size=4))
def test_every_combination_is_there_once(grid: dict[str, list[int]]) -> None:
    """A grid is the product of its axes."""
    assert [tuple(one.values()) for one in combinations(grid)] == list(itertools.product(*grid.values()))


@pytest.mark.parametrize(
    ("placement", "placed"),
    [
        ("every", [(0, h) for h in HOSTS] + [(1, h) for h in HOSTS]),
        ("spread", [(0, ""), (1, "")]),
        ("pinned", [(0, "alpha"), (1, "beta")]),
        (lambda fields: HOSTS[2 - fields["n"]], [(0, "gamma"), (1, "beta")]),
    ],
)
def test_placement_says_who_does_what(placement: Any, placed: list[tuple[int, str]]) -> None:
    """Each placement puts requests on hosts in its way, and repetitions are outermost."""
    cells, _given = cells_of({"n": [0, 1]}, HOSTS, 2, placement)
    assert [(cell.fields["n"], cell.host) for cell in cells] == placed * 2
    assert [cell.repeat for cell in cells] == [0] * len(placed) + [1] * len(placed)
    assert [cell.number for cell in cells] == list(range(len(cells)))


def test_requests_may_be_given_whole() -> None:
    """A list of dataclasses or mappings is a grid; None asks once for what has no fields."""
    cells, whole = cells_of([Request(1), {"n": 2}], HOSTS[:1], 1, "every")
    assert [cell.fields for cell in cells] == [{"n": 1}, {"n": 2}]
    assert [request for _index, request in whole.values()] == [Request(1), None]
    assert [cell.fields for cell in cells_of(None, HOSTS[:1], 1, "every")[0]] == [{}]


@pytest.mark.parametrize(
    ("grid", "placement", "said"),
    [
        ({"n": []}, "every", "the axis 'n' has no values"),
        ([], "every", "no requests"),
        ("text", "every", "a grid is a mapping of fields"),
        (5, "every", "a grid is a mapping of fields"),
        ([5], "every", "not of 5"),
        ({"n": range(MAX_CELLS + 1)}, "every", "at most 100,000"),
        ({"n": range(MAX_CELLS // 2)}, "every", "150,000 cells; at most 100,000"),
        ({}, "somewhere", "placement is one of every, spread, pinned"),
        ({}, lambda _fields: "delta", "the placement gave 'delta'"),
    ],
)
def test_what_is_no_grid_is_told(grid: Any, placement: Any, said: str) -> None:
    """Each mistake is an ExperimentError that says what was wrong."""
    with pytest.raises(ExperimentError, match=said):
        cells_of(grid, HOSTS, 1, placement)


def test_axes_are_the_fields_that_vary() -> None:
    """A field with one value is none, whatever its values can be compared with."""
    array = numpy.arange(3)
    cells, _given = cells_of([{"a": 1, "b": array, "c": 1}, {"a": 2, "b": array, "c": 1}], HOSTS, 1, "every")
    assert axes_of(cells) == ["a"]
    cells, _given = cells_of([{"b": numpy.arange(3)}, {"b": numpy.arange(4)}], HOSTS, 1, "every")
    assert axes_of(cells) == ["b"]


def test_axes_come_in_the_order_of_the_fields() -> None:
    """Not in that in which they vary: the last one does so first."""
    cells, _given = cells_of({"b": [2, 1], "c": 0, "a": [3, 4]}, HOSTS, 1, "every")
    assert axes_of(cells) == ["b", "a"]
