"""The stable index from five quantiles, by McCulloch's tables."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy.interpolate import RegularGridInterpolator

from fastsde.analysis.levels import CONFIDENCE
from fastsde.analysis.protocols import Floats
from fastsde.analysis.tails.order_statistics import resampled_quantiles
from fastsde.analysis.tails.registry import TailEstimator, register
from fastsde.analysis.tails.tail_estimate import SMALLEST_SAMPLE, UNKNOWN, TailEstimate, around, projection

LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)

SPREAD = (2.439, 2.5, 2.6, 2.7, 2.8, 3.0, 3.2, 3.5, 4.0, 5.0, 6.0, 8.0, 10.0, 15.0, 25.0)
"""(q95 - q05) / (q75 - q25): rows of the table."""

SKEW = (0.0, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0)
"""|q95 + q05 - 2 q50| / (q95 - q05): columns of the table."""

# fmt: off
INDEX = (
    (2.000, 2.000, 2.000, 2.000, 2.000, 2.000, 2.000),
    (1.916, 1.924, 1.924, 1.924, 1.924, 1.924, 1.924),
    (1.808, 1.813, 1.829, 1.829, 1.829, 1.829, 1.829),
    (1.729, 1.730, 1.737, 1.745, 1.745, 1.745, 1.745),
    (1.664, 1.663, 1.663, 1.668, 1.676, 1.676, 1.676),
    (1.563, 1.560, 1.553, 1.548, 1.547, 1.547, 1.547),
    (1.484, 1.480, 1.471, 1.460, 1.448, 1.438, 1.438),
    (1.391, 1.386, 1.378, 1.364, 1.337, 1.318, 1.318),
    (1.279, 1.273, 1.266, 1.250, 1.210, 1.184, 1.150),
    (1.128, 1.121, 1.114, 1.101, 1.067, 1.027, 0.973),
    (1.029, 1.021, 1.014, 1.004, 0.974, 0.935, 0.874),
    (0.896, 0.892, 0.884, 0.883, 0.855, 0.823, 0.769),
    (0.818, 0.812, 0.806, 0.801, 0.780, 0.756, 0.691),
    (0.698, 0.695, 0.692, 0.689, 0.676, 0.656, 0.597),
    (0.593, 0.590, 0.588, 0.586, 0.579, 0.563, 0.513),
)
# fmt: on
"""Stable index by spread and skew: McCulloch (1986), table III."""

_TABLE = RegularGridInterpolator((SPREAD, SKEW), INDEX)


def estimate(
    values: ArrayLike, level: float = CONFIDENCE, design: float = 1.0, replicates: int = 200, seed: int = 0
) -> TailEstimate:
    """Index alpha of a stable law, of any skewness, from five quantiles, assuming that it is stable.

    Parameters
    ----------
    values : array_like, shape (n,)
        Independent values.
    level : float
        Coverage of the interval.
    design : float
        Factor by which dependence inflates the variance.
    replicates, seed : int
        Bootstrap replicates behind the standard error, and their seed.

    Returns
    -------
    TailEstimate
        Between 0.51 and 2, the ends of the table; within 0.01 of the truth by the coarseness of the table.
        NaN for fewer than 100 values or a zero interquartile range.

    Notes
    -----
    McCulloch (1986), Communications in Statistics: Simulation and Computation 15, 1109.

    Examples
    --------
    >>> tail = estimate(np.random.default_rng(1).standard_cauchy(20_000))
    >>> tail.low < 1.0 < tail.high
    True
    """
    x = projection(values)
    if x.size < SMALLEST_SAMPLE:
        return UNKNOWN
    index = _index(np.quantile(x, LEVELS)[None])[0]
    if math.isnan(index):
        return UNKNOWN
    generator = np.random.Generator(np.random.Philox(seed))
    again = _index(resampled_quantiles(np.sort(x), LEVELS, replicates, generator))
    return around(float(index), math.sqrt(design) * float(np.nanstd(again)), x.size, level)


def _index(quantiles: Floats) -> Floats:
    """Read the table at rows of five quantiles."""
    low, lower, middle, upper, high = quantiles.T
    within = np.where(upper > lower, upper - lower, np.nan)
    spread = np.clip((high - low) / within, SPREAD[0], SPREAD[-1])
    skew = np.abs(high + low - 2 * middle) / np.where(high > low, high - low, np.nan)
    index = np.full(len(quantiles), np.nan)
    known = np.isfinite(spread) & np.isfinite(skew)
    index[known] = _TABLE(np.column_stack([spread, np.minimum(skew, 1.0)])[known])
    return index


QUANTILES = register(
    TailEstimator(
        name="quantile",
        label="quantiles",
        estimate=estimate,
        estimates="stable index",
        consistent="stable laws of any skewness, index 0.5 to 2",
        standard_error="bootstrap of the quantiles",
        source="McCulloch (1986)",
        assumes_stable=True,
        of_bulk=True,
        compared=True,
        order=80,
    )
)
