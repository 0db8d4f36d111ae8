"""Are values heavier-tailed than Gaussian ones? Their kurtosis in groups, against its exact null moments."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from fastsde.analysis.levels import SIGNIFICANCE
from fastsde.analysis.protocols import Floats, Integers

__all__ = ["FALSE_ALARMS", "LEAST_GROUP", "POWER", "GaussianTest", "detectable_index", "gaussian_test"]

FALSE_ALARMS = SIGNIFICANCE
"""Chance that any column of a Gaussian sample gets a verdict that claims a tail."""

POWER = 0.8
"""Chance with which an index is found that counts as detectable."""

LEAST_GROUP = 20
"""Groups of fewer values are left out: their kurtosis is bounded by their size and shows no tail."""

_SIZES = (32, 45, 64, 90, 128, 181, 256, 512, 1024, 2048, 4096, 8192)
_INDICES = (1.21, 1.38, 1.53, 1.64, 1.73, 1.80, 1.85, 1.91, 1.95, 1.97, 1.98, 1.99)


@dataclass(frozen=True)
class GaussianTest:
    """What the kurtosis of a sample says.

    Attributes
    ----------
    p_value : float
        Chance of so large a kurtosis in Gaussian values of the same number, groups and dependence; NaN where
        no group has `LEAST_GROUP` values that differ.
    effective : float
        Number of independent values that were tested.
    """

    p_value: float
    effective: float


def gaussian_test(values: Floats, group: Integers | None = None, design: float = 1.0) -> GaussianTest:
    """Test that values are Gaussian within each group, against heavier tails.

    The kurtosis ``m_4 / m_2^2`` of each group, with weights n, less its mean under a Gaussian law. Mean and
    scale of a group do not matter, so that groups of different scales, or scaled by their own medians, make
    no tail. The null law is the cube of a normal variable with the exact mean, variance and skewness of the
    weighted sum: within 10 % of the level from 0.05 down to 0.006 for groups of 20 values or more, and within
    40 % for the largest samples.

    Parameters
    ----------
    values : ndarray, shape (n,)
    group : ndarray of int, shape (n,), optional
        Of each value, from 0: the snapshot, where values were scaled by snapshots. One group by default.
    design : float
        Factor by which dependence inflates the variance of a mean: the test is that of n / design values.

    Notes
    -----
    Anscombe and Glynn (1983), Biometrika 70, 227, for one group; moments by Fisher (1930), Proceedings of the
    Royal Society A 130, 16. Of all tests that do not depend on mean and scale this is the locally most
    powerful one against mixtures of scales (Ferguson 1961).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> gaussian_test(rng.standard_normal(500)).p_value > 0.01
    True
    >>> gaussian_test(rng.standard_cauchy(500)).p_value < 1e-6
    True
    """
    kurtosis, count = _kurtosis(values, np.zeros(len(values), dtype=np.int64) if group is None else group)
    if not count.size:
        return GaussianTest(math.nan, 0.0)
    mean, variance, skewness = _null_moments(count)
    second = float(np.sum(count**2 * variance))
    third = float(np.sum((count**2 * variance) ** 1.5 * skewness))
    deviate = float(np.sum(count * (kurtosis - mean))) / math.sqrt(design * second)
    tail = _upper_tail(deviate, math.sqrt(design) * third / second**1.5)
    return GaussianTest(tail, float(count.sum()) / design)


def detectable_index(effective: float) -> float:
    """Largest stable index that is found with a power of `POWER` or more; NaN below 32 independent values.

    At the level 0.05 / 8: a sample of four columns, looked at twice. Fewer looks have more power.

    Examples
    --------
    >>> round(detectable_index(64), 2), round(detectable_index(1024), 2)
    (1.53, 1.95)
    """
    if effective < _SIZES[0]:
        return math.nan
    return float(np.interp(math.log(effective), np.log(_SIZES), _INDICES))


def _kurtosis(values: Floats, group: Integers) -> tuple[Floats, Floats]:
    """Kurtosis and number of values of each group that is large enough and not constant."""
    number = np.unique(group, return_inverse=True)[1].ravel()
    count = np.bincount(number).astype(np.float64)
    centred = values - (np.bincount(number, values) / count)[number]
    largest = np.zeros(len(count))
    np.maximum.at(largest, number, np.abs(centred))
    used = (count >= LEAST_GROUP) & (largest > 0) & np.isfinite(largest)
    squares = (centred / np.where(used, largest, 1.0)[number]) ** 2
    second = (np.bincount(number, squares) / count)[used]
    fourth = (np.bincount(number, squares**2) / count)[used]
    return fourth / second**2, count[used]


def _null_moments(n: Floats) -> tuple[Floats, Floats, Floats]:
    """Mean, variance and skewness of the kurtosis of n Gaussian values."""
    mean = 3 * (n - 1) / (n + 1)
    variance = 24 * n * (n - 2) * (n - 3) / ((n + 1) ** 2 * (n + 3) * (n + 5))
    share = (n**2 - 5 * n + 2) / ((n + 7) * (n + 9))
    skewness = 6 * share * np.sqrt(6 * (n + 3) * (n + 5) / (n * (n - 2) * (n - 3)))
    return mean, variance, np.asarray(skewness)


def _upper_tail(deviate: float, skewness: float) -> float:
    """Chance that a variable of mean 0, variance 1 and this skewness exceeds `deviate` (Wilson-Hilferty)."""
    degrees = 6 + 8 / skewness * (2 / skewness + math.sqrt(1 + 4 / skewness**2))
    spread = 2 / (9 * degrees)
    ratio = 1 + deviate * math.sqrt(2 / (degrees - 4))
    if ratio <= 0:
        return 1.0
    root = ((1 - 2 / degrees) / ratio) ** (1 / 3)
    return float(norm.sf((1 - spread - root) / math.sqrt(spread)))
