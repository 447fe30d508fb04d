from __future__ import annotations

import math
import random
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paglets_nb.experiments.statistics import Sample, ratio

VALUES = st.lists(st.floats(1e-6, 1e3), min_size=1, max_size=60)


@pytest.mark.parametrize(
    ("count", "outside", "confidence"),
    [
        (2, 0, 0.5),
        (3, 0, 0.75),
        (5, 0, 0.9375),
        (6, 0, 0.96875),
        (10, 1, 0.97852),
        (20, 5, 0.95861),
        (100, 39, 0.96480),
    ],
)
def test_intervals_are_those_of_the_tables(count: int, outside: int, confidence: float) -> None:
    """The interval of a median leaves out as many values, with as much confidence, as the binomial tables say."""
    low, high, reached = Sample(range(count)).interval()
    assert (low, high) == (outside, count - 1 - outside)
    assert reached == pytest.approx(confidence, abs=1e-4)


@given(VALUES)
def test_median_spread_and_interval_fit_the_values(values: list[float]) -> None:
    """The median is the statistics module's, lies in its interval, and the spread is not negative."""
    sample = Sample(values)
    low, high, confidence = sample.interval()
    assert sample.median == statistics.median(values)
    assert min(values) <= low <= sample.median <= high <= max(values)
    assert sample.spread >= 0
    assert 0 <= confidence < 1 or math.isclose(confidence, 1)
    assert (confidence >= 0.95) == (len(values) >= 6)


def test_nothing_is_said_of_no_values() -> None:
    """Without values there is no median."""
    assert math.isnan(Sample([]).median)
    assert math.isnan(Sample([]).spread)
    assert Sample([]).interval()[2] == 0.0
    assert math.isnan(ratio([], [1.0]).value)


def test_intervals_hold_what_they_say() -> None:
    """Over many samples at least 95 % of the intervals hold the true median, and the true ratio."""
    drawn = random.Random(3)
    held = compared = 0
    for _ in range(400):
        ours = [drawn.lognormvariate(0.0, 1.0) * 2 for _ in range(15)]
        base = [drawn.lognormvariate(0.0, 1.0) for _ in range(15)]
        low, high, _confidence = Sample(ours).interval()
        held += low <= 2.0 <= high
        found = ratio(ours, base)
        compared += found.low <= 2.0 <= found.high
    assert held >= 400 * 0.93
    assert compared >= 400 * 0.95


def test_a_ratio_differs_only_with_confidence() -> None:
    """Far apart with enough values it does; with three values each nothing is claimed."""
    assert ratio([2.0 + n / 100 for n in range(10)], [1.0 + n / 100 for n in range(10)]).differs
    assert not ratio([1.0 + n / 100 for n in range(10)], [1.0 + n / 100 for n in range(10)]).differs
    few = ratio([2.0, 2.1, 2.2], [1.0, 1.1, 1.2])
    assert few.confidence == pytest.approx(0.5)
    assert not few.differs
