"""Bootstrap of all shape statistics at once: replicates are one matrix product with the sorted sample."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from fastsde.analysis.levels import INTERVAL
from fastsde.analysis.protocols import Floats
from fastsde.analysis.shape.order_weights import NAMES, order_weights
from fastsde.analysis.shape.shape_statistics import (
    from_sums,
    in_order,
    powers_of,
    shape_statistics,
    standardisation,
)


@dataclass(frozen=True)
class Interval:
    """A statistic with its bootstrap standard error and 95 % percentile interval; arrays of one shape."""

    value: Floats
    error: Floats
    low: Floats
    high: Floats


@dataclass(frozen=True)
class Resampling:
    """What bootstrap samples of one size do to a sorted sample.

    Attributes
    ----------
    linear : ndarray, shape (replicate x statistic, size)
        Weights of the sorted sample in the statistics of each bootstrap sample: a statistic that is linear
        in the order statistics of the bootstrap sample is linear in those of the sample.
    counts : ndarray, shape (replicate, size)
        How often each value is drawn, over the size.
    """

    linear: Floats
    counts: Floats


@lru_cache(maxsize=4)
def resampling(size: int, replicates: int, seed: int) -> Resampling:
    """Draw the bootstrap samples of a sample of this size, the same for every column.

    Examples
    --------
    >>> drawn = resampling(50, 10, seed=0)
    >>> np.allclose(drawn.counts.sum(axis=1), 1), drawn.linear.shape
    (True, (150, 50))
    """
    generator = np.random.Generator(np.random.Philox(seed))
    counts = generator.multinomial(size, np.full(size, 1 / size), replicates)
    weights = order_weights(size)
    ends = np.concatenate([np.zeros((replicates, 1), np.int64), np.cumsum(counts, axis=1)], axis=1)
    total = np.concatenate([np.zeros((len(weights), 1)), np.cumsum(weights, axis=1)], axis=1)
    linear = np.empty((replicates, len(weights), size))
    for place, end in enumerate(ends):
        linear[place] = np.diff(total[:, end], axis=1)
    return Resampling(linear.reshape(-1, size), counts / size)


def shape_intervals(
    values: Floats, replicates: int = 400, limit: int = 1024, seed: int = 0
) -> dict[str, Interval]:
    """Shape statistics of each column with bootstrap errors over rows.

    Parameters
    ----------
    values : ndarray, shape (n, column)
        Finite values of independent rows (trajectories).
    replicates : int
        Bootstrap samples.
    limit : int
        Beyond this many rows the first of them are resampled, and the spread of their replicates is shrunk by
        the root of limit / n: memory and time do not grow with n.
    seed : int
        Seed of the resampling.

    Returns
    -------
    dict of str to Interval, arrays of shape (column,)
        By name, as in `fastsde.analysis.shape.shape_statistics.ORDERS`. Intervals are percentiles of the
        replicates. Of exponential samples of 300 they hold mean, median and tau3 in 92 to 95 % of cases,
        but sd in 90 %, skewness in 74 % and kurtosis in 60 %: L-moments are what small samples bear.

    Raises
    ------
    ValueError
        For fewer than two rows.

    Notes
    -----
    Efron (1979), Annals of Statistics 7, 1; subsamples: Bickel, Goetze and van Zwet (1997), Statistica
    Sinica 7, 1. Only the weights are drawn, once for a sample size, and no sample is ever sorted again.

    Examples
    --------
    >>> x = np.random.default_rng(0).standard_normal((1000, 1))
    >>> found = shape_intervals(x)["mean"]
    >>> round(float(found.error[0]), 3), bool(found.low[0] < 0 < found.high[0])
    (0.032, True)
    """
    if len(values) < 2:
        raise ValueError(f"need two rows at least, got {len(values)}")
    whole = shape_statistics(in_order(values))
    used = values[:limit]
    ordered = in_order(used)
    middle, spread = standardisation(ordered)
    z = (ordered - middle) / spread
    drawn = resampling(len(used), replicates, seed)
    linear = (drawn.linear @ z).reshape(replicates, len(NAMES), -1)
    with np.errstate(over="ignore", invalid="ignore"):
        powers = np.stack([drawn.counts @ power for power in powers_of(z)], axis=1)
    again = from_sums(linear, powers, len(used), middle, spread)
    centre = whole if len(used) == len(values) else shape_statistics(ordered)
    shrink = np.sqrt(len(used) / len(values))
    return {name: _interval(whole[name], centre[name], again[name], shrink) for name in whole}


def _interval(value: Floats, centre: Floats, again: Floats, shrink: float) -> Interval:
    low, high = np.quantile(again, INTERVAL, axis=0)
    error = shrink * np.std(again, axis=0, ddof=1)
    return Interval(value, error, value + shrink * (low - centre), value + shrink * (high - centre))
