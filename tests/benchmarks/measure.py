"""Timing by interleaved batches, so that a noisy moment hits every contender alike."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

Batch = Callable[[int], None]
Figures = dict[str, list[float]]
"""Seconds per call by contender, one figure for each round."""


@dataclass(frozen=True)
class Effort:
    """How much is measured.

    Attributes:
        rounds: independent repetitions, each giving one figure per contender.
        batches: batches of each contender in a round, taken in turn.
        calls: calls in a batch.
    """

    rounds: int = 5
    batches: int = 3
    calls: int = 2000


def interleave(contenders: Mapping[str, Batch], effort: Effort) -> Figures:
    """Seconds per call of each contender, one figure (the median batch) for each round."""
    figures: Figures = {name: [] for name in contenders}
    for batch in contenders.values():
        batch(effort.calls)
    gc.collect()
    for _round in range(effort.rounds):
        taken: dict[str, list[float]] = {name: [] for name in contenders}
        for _batch in range(effort.batches):
            for name, batch in contenders.items():
                started = time.perf_counter()
                batch(effort.calls)
                taken[name].append((time.perf_counter() - started) / effort.calls)
        for name, times in taken.items():
            figures[name].append(statistics.median(times))
    return figures


def add_figures(figures: Figures, more: Figures) -> None:
    """Add the figures of further rounds."""
    for name, times in more.items():
        figures.setdefault(name, []).extend(times)


def ratio(figures: Mapping[str, list[float]], name: str, base: str) -> float:
    """The median over the rounds of one contender's time divided by another's."""
    return statistics.median(a / b for a, b in zip(figures[name], figures[base], strict=True))


def latencies(call: Callable[[], object], duration: float) -> list[float]:
    """Seconds that each call took, of as many as are made in ``duration`` seconds."""
    times: list[float] = []
    end = time.perf_counter() + duration
    while (started := time.perf_counter()) < end:
        call()
        times.append(time.perf_counter() - started)
    return times
