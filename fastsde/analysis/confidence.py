"""Values with 95 % intervals: means, medians and shares over trajectories, column by column."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.stats import binom, norm

from fastsde.analysis.levels import CONFIDENCE
from fastsde.analysis.protocols import Floats

WIDTH = float(norm.ppf(0.5 + CONFIDENCE / 2))
"""Half width of an interval of a normal estimate, in standard errors."""


@dataclass(frozen=True)
class Interval:
    """A value and the ends of its 95 % interval, arrays of one shape; NaN where there is none."""

    value: Floats
    low: Floats
    high: Floats

    def __post_init__(self) -> None:
        for name in ("value", "low", "high"):
            object.__setattr__(self, name, np.asarray(getattr(self, name), dtype=np.float64))


def mean(values: Floats) -> Interval:
    """Mean of each column, by the normal law of means; values that are not finite are left out.

    Examples
    --------
    >>> means = mean(np.array([[1.0], [2.0], [3.0], [np.nan]]))
    >>> means.value.tolist(), means.high.round(2).tolist()
    ([2.0], [3.13])
    """
    known = np.isfinite(values)
    count = known.sum(axis=0)
    enough = np.where(count > 1, count, np.nan)
    centre = np.where(known, values, 0.0).sum(axis=0) / enough
    squares = np.where(known, (values - centre) ** 2, 0.0).sum(axis=0) / (enough - 1)
    return around(centre, np.sqrt(squares / enough))


def around(value: Floats | float, error: Floats | float) -> Interval:
    """Return the interval of a normal estimate with this standard error."""
    value, error = np.asarray(value, dtype=np.float64), np.asarray(error, dtype=np.float64)
    return Interval(value, value - WIDTH * error, value + WIDTH * error)


def median(values: Floats) -> Interval:
    """Median of each column, with the order statistics that cover it at 95 % under any continuous law.

    Values that are not finite are left out; with fewer than six values there is no such interval.

    Examples
    --------
    >>> medians = median(np.arange(100.0)[:, None])
    >>> medians.value.tolist(), medians.low.tolist(), medians.high.tolist()
    ([49.5], [39.0], [60.0])
    """
    columns = values.reshape(len(values), -1).T
    ends = np.array([_median(column[np.isfinite(column)]) for column in columns]).reshape(-1, 3)
    shape = values.shape[1:]
    return Interval(*(ends[:, place].reshape(shape) for place in range(3)))


def _median(values: Floats) -> tuple[float, float, float]:
    n = len(values)
    if n == 0:
        return math.nan, math.nan, math.nan
    rank = int(binom.ppf((1 - CONFIDENCE) / 2, n, 0.5))
    if rank < 1:
        return float(np.median(values)), math.nan, math.nan
    ordered = np.partition(values, (rank - 1, n - rank))
    return float(np.median(values)), float(ordered[rank - 1]), float(ordered[n - rank])


def share(successes: Floats, trials: Floats) -> Interval:
    """Share of successes with Wilson's score interval (Wilson 1927); NaN without trials.

    Examples
    --------
    >>> shares = share(np.array([10.0]), np.array([10.0]))
    >>> shares.value.tolist(), shares.low.round(3).tolist()
    ([1.0], [0.722])
    """
    n = np.where(np.asarray(trials) > 0, trials, np.nan).astype(np.float64)
    p = successes / n
    z = WIDTH
    centre = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    return Interval(p, np.maximum(0.0, centre - half), np.minimum(1.0, centre + half))


def difference(first: Interval, second: Interval) -> Interval:
    """Difference of two independent estimates with symmetric intervals.

    Examples
    --------
    >>> gap = difference(around(3.0, 0.3), around(1.0, 0.4))
    >>> float(gap.value), round(float(gap.high - gap.value) / WIDTH, 3)
    (2.0, 0.5)
    """
    half = np.hypot(first.high - first.value, second.high - second.value)
    value = first.value - second.value
    return Interval(value, value - half, value + half)
