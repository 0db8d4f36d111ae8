"""Location, spread, skewness and tail weight of samples, by moments and by order statistics."""

from __future__ import annotations

import math

import numpy as np

from fastsde.analysis.protocols import Floats
from fastsde.analysis.shape.order_weights import LEVELS, NAMES, order_weights

ORDERS: dict[str, int] = {
    "mean": 1,
    "sd": 2,
    "skewness": 3,
    "kurtosis": 4,
    "l_scale": 1,
    "l_skewness": 1,
    "l_kurtosis": 1,
    "trimmed_mean": 0,
    "winsorised_mean": 0,
    "median": 0,
    "interquartile_range": 0,
    "quantile_skewness": 0,
    "moors_kurtosis": 0,
}
"""Every statistic, and the order of the moment that it needs; 0 for those that exist for every law."""

ERROR_ORDERS = {name: 2 * order for name, order in ORDERS.items()}
"""Order of the moment that the standard error of each statistic needs."""


def shape_statistics(ordered: Floats) -> dict[str, Floats]:
    """Measure all statistics of each column of a sorted sample.

    Parameters
    ----------
    ordered : ndarray, shape (n, column)
        Finite values, each column in rising order.

    Returns
    -------
    dict of str to ndarray, shape (column,)
        By name, as in `ORDERS`. sd has divisor n - 1; kurtosis is the excess over the Gaussian's; l_scale is
        the second L-moment (sd / sqrt(pi) for a Gaussian), l_skewness and l_kurtosis are the L-moment ratios
        tau3 and tau4 (0 and 0.1226), within -1 and 1; trimmed and winsorised mean by a tenth on each side;
        quantile_skewness is (q95 + q05 - 2 q50) / (q95 - q05), moors_kurtosis Moors' octile ratio (1.233).

    Notes
    -----
    Hosking (1990); Moors (1988), The Statistician 37, 25.

    Examples
    --------
    >>> grid = np.linspace(-1, 1, 1001)[:, None]
    >>> found = shape_statistics(grid)
    >>> [round(float(found[name][0]), 3) for name in ("sd", "l_scale", "moors_kurtosis")]
    [0.578, 0.334, 1.0]
    """
    middle, spread = standardisation(ordered)
    z = (ordered - middle) / spread
    powers = np.stack([power.mean(axis=0) for power in powers_of(z)])
    return from_sums(order_weights(len(z)) @ z, powers, len(z), middle, spread)


def in_order(values: Floats) -> Floats:
    """Sort each column, columns contiguous in memory."""
    return np.sort(np.ascontiguousarray(values.T), axis=1).T


def standardisation(ordered: Floats) -> tuple[Floats, Floats]:
    """Units in which powers are taken: a middle value and the distance of the quartiles of each column."""
    size = len(ordered)
    spread = ordered[(3 * size) // 4] - ordered[size // 4]
    whole = ordered[-1] - ordered[0]
    return ordered[size // 2], np.where(spread > 0, spread, np.where(whole > 0, whole, 1.0))


def powers_of(z: Floats) -> list[Floats]:
    """Return the first four powers."""
    with np.errstate(over="ignore", invalid="ignore"):
        square = z * z
        return [z, square, square * z, square * square]


def from_sums(linear: Floats, powers: Floats, size: int, middle: Floats, spread: Floats) -> dict[str, Floats]:
    """Combine linear statistics and mean powers of standardised values into statistics of the values.

    Parameters
    ----------
    linear : ndarray, shape (..., 15, column)
        As `fastsde.analysis.shape.order_weights.NAMES`.
    powers : ndarray, shape (..., 4, column)
    size : int
        Values of the sample.
    middle, spread : ndarray, shape (column,)
        Value = middle + spread x standardised value.

    Returns
    -------
    dict of str to ndarray, shape (..., column)
    """
    at = {name: linear[..., place, :] for place, name in enumerate(NAMES)}
    first, second, third, fourth = (powers[..., place, :] for place in range(4))
    octile = [at[level] for level in LEVELS[1:-1]]
    low, high, median = at[0.05], at[0.95], at[0.5]
    with np.errstate(over="ignore", invalid="ignore"):
        variance = np.maximum(second - first**2, 0.0)
        third_central = third - 3 * first * second + 2 * first**3
        fourth_central = fourth - 4 * first * third + 6 * first**2 * second - 3 * first**4
        return {
            "mean": middle + spread * first,
            "sd": spread * np.sqrt(variance * (size / max(size - 1, 1))),
            "skewness": _ratio(third_central, variance**1.5),
            "kurtosis": _ratio(fourth_central, variance**2) - 3,
            "l_scale": spread * at["l2"],
            "l_skewness": _ratio(at["l3"], at["l2"]),
            "l_kurtosis": _ratio(at["l4"], at["l2"]),
            "trimmed_mean": middle + spread * at["trimmed"],
            "winsorised_mean": middle + spread * at["winsorised"],
            "median": middle + spread * median,
            "interquartile_range": spread * (at[0.75] - at[0.25]),
            "quantile_skewness": _ratio(high + low - 2 * median, high - low),
            "moors_kurtosis": _ratio(octile[6] - octile[4] + octile[2] - octile[0], octile[5] - octile[1]),
        }


def _ratio(numerator: Floats, denominator: Floats) -> Floats:
    return np.asarray(numerator / np.where(denominator > 1e-13, denominator, math.nan))
