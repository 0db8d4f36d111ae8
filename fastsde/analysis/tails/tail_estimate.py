"""A tail index with its interval, and the largest values of a sample that most estimates start from."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike

from fastsde.analysis.levels import CONFIDENCE
from fastsde.analysis.protocols import Floats

SMALLEST_SAMPLE = 100
"""Fewer values than this give no index: the upper tenth would hold fewer than ten of them."""

ONE_STEP = (
    "The coordinates of one step share its scale (a sub-Gaussian stable vector is Gaussian given its scale), "
    "so together they look Gaussian whatever the index: group across steps or trajectories, one projection "
    "at a time."
)
"""Why the tail of noise cannot be read off the coordinates of one step."""


@dataclass(frozen=True)
class TailEstimate:
    """A tail index alpha, P(|X| > x) ~ x^-alpha, its two-sided interval, and the number of values behind it.

    Attributes
    ----------
    index, low, high : float
        NaN where nothing can be said; infinite where the sample shows no power law.
    k : int
        Order statistics used, or the size of the sample where all of it is.
    """

    index: float
    low: float
    high: float
    k: int


UNKNOWN = TailEstimate(math.nan, math.nan, math.nan, 0)


def from_gamma(gamma: float, error: float, k: int, level: float = CONFIDENCE) -> TailEstimate:
    """Turn an extreme-value index gamma = 1 / alpha and its standard error into a tail index.

    A gamma of zero or less is the index infinity: no power law.

    Examples
    --------
    >>> found = from_gamma(0.5, 0.1, k=100)
    >>> found.index, round(found.low, 2), round(found.high, 2)
    (2.0, 1.44, 3.29)
    """
    if not math.isfinite(gamma):
        return UNKNOWN
    reach = quantile_of_level(level) * error
    return TailEstimate(_inverse(gamma), _inverse(gamma + reach), _inverse(gamma - reach), k)


def around(index: float, error: float, k: int, level: float = CONFIDENCE) -> TailEstimate:
    """Tail index with the interval ``index`` plus and minus the standard errors of this coverage."""
    if math.isnan(index):
        return UNKNOWN
    reach = quantile_of_level(level) * error
    return TailEstimate(index, index - reach, index + reach, k)


def quantile_of_level(level: float) -> float:
    """Half width, in standard errors, of a Gaussian interval of this coverage: 1.96 for 0.95."""
    return NormalDist().inv_cdf((1 + level) / 2)


def projection(values: ArrayLike) -> Floats:
    """Return the values of one projection as float64.

    Raises
    ------
    ValueError
        If ``values`` is not one-dimensional: the coordinates of a step share its scale, and pooled they show
        no tail.

    Examples
    --------
    >>> projection([1, 2.5])
    array([1. , 2.5])
    """
    x = np.asarray(values, dtype=np.float64)
    if x.ndim != 1:
        raise ValueError(
            f"found values of shape {x.shape}, expected (n,): one projection, one value per step or "
            f"trajectory. {ONE_STEP} Fix: estimate each column alone, or all with "
            "fastsde.analysis.tails.tail_report.tail_report"
        )
    return x


def log_tail(values: ArrayLike, k: int) -> Floats:
    """Logarithms of the ``k + 1`` largest absolute values, in falling order; -inf for zeros.

    Raises
    ------
    ValueError
        If ``k`` is not in 1..n - 1.

    Examples
    --------
    >>> np.exp(log_tail([1.0, -4.0, 2.0, 0.5], 2)).round(12).tolist()
    [4.0, 2.0, 1.0]
    """
    magnitude = np.abs(projection(values))
    if not 1 <= k < magnitude.size:
        raise ValueError(f"k must lie in 1..{magnitude.size - 1}, got {k}")
    top = np.partition(magnitude, magnitude.size - k - 1)[-k - 1 :]
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(np.sort(top)[::-1]), dtype=np.float64)


def _inverse(gamma: float) -> float:
    return 1 / gamma if gamma > 0 else math.inf
