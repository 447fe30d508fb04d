"""What a sample of times says: median, spread, and how sure that is.

The interval of a median is the one between two of the values themselves (order statistics):
it supposes no distribution, and holds the true median with the confidence that the binomial
distribution gives, e.g. Conover, Practical Nonparametric Statistics, 3.2. Below six values
no interval reaches 95 %; then it spans all of them, with the confidence that it has.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

__all__ = ["CONFIDENCE", "Ratio", "Sample", "ratio"]

CONFIDENCE = 0.95
"""The confidence wanted of an interval."""


@dataclass(frozen=True)
class Ratio:
    """How many times one median is another.

    Attributes:
        value: the ratio of the medians.
        low: the interval's lower end; it holds the true ratio with at least ``confidence``.
        high: its upper end.
        confidence: 0 to 1; 0 where there are too few values to say anything.
    """

    value: float
    low: float
    high: float
    confidence: float

    @property
    def differs(self) -> bool:
        """Whether 1 lies outside the interval, and that with the confidence wanted."""
        return self.confidence >= CONFIDENCE - 1e-9 and not self.low <= 1.0 <= self.high


@lru_cache(maxsize=4096)
def _rank(count: int, confidence: float) -> tuple[int, float]:
    """How many values lie outside the interval on each side, and the confidence that it has."""
    tail, rank, below = 0.0, 0, 0.0
    limit = (1.0 - confidence) / 2
    log_half = count * math.log(0.5)
    while rank < (count - 1) // 2:
        log_share = math.lgamma(count + 1) - math.lgamma(rank + 1) - math.lgamma(count - rank + 1) + log_half
        tail = below + math.exp(log_share)
        if tail > limit:
            break
        below, rank = tail, rank + 1
    outside = below if rank else math.exp(log_half)
    return max(0, rank - 1), max(0.0, 1.0 - 2.0 * outside) if count > 1 else 0.0


class Sample:
    """Times, in seconds.

    Args:
        values: the times, in any order.
    """

    def __init__(self, values: Iterable[float]) -> None:
        self.values = sorted(values)

    def __len__(self) -> int:
        return len(self.values)

    @property
    def median(self) -> float:
        """The median; not a number where there are no values."""
        return statistics.median(self.values) if self.values else math.nan

    def quantile(self, share: float) -> float:
        """The value below which a share of them lies, interpolated."""
        if not self.values:
            return math.nan
        place = share * (len(self.values) - 1)
        low = math.floor(place)
        high = min(low + 1, len(self.values) - 1)
        return self.values[low] + (self.values[high] - self.values[low]) * (place - low)

    @property
    def spread(self) -> float:
        """The interquartile range: the middle half of the values lies within it."""
        return self.quantile(0.75) - self.quantile(0.25)

    def interval(self, confidence: float = CONFIDENCE) -> tuple[float, float, float]:
        """The interval of the median: its ends, and the confidence that it has.

        Args:
            confidence: wanted; what there is can be less, with few values, and is never much more.
        """
        if not self.values:
            return math.nan, math.nan, 0.0
        rank, reached = _rank(len(self.values), confidence)
        return self.values[rank], self.values[-1 - rank], reached


def ratio(ours: Sequence[float], base: Sequence[float], confidence: float = CONFIDENCE) -> Ratio:
    """How many times the median of ``base`` the median of ``ours`` is.

    The interval is made of the intervals of both medians, each of half the error (Bonferroni),
    so that it is rather too wide than too narrow.
    """
    first, second = Sample(ours), Sample(base)
    half = (1.0 + confidence) / 2
    low, high, sure = first.interval(half)
    base_low, base_high, base_sure = second.interval(half)
    value = first.median / second.median if second.median else math.nan
    together = max(0.0, sure + base_sure - 1.0)
    return Ratio(value, low / base_high if base_high else math.nan, high / base_low if base_low else math.nan, together)
