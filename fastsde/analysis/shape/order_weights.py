"""Statistics that are linear in the order statistics, as one matrix of weights on the sorted sample."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from fastsde.analysis.protocols import Floats

TRIM = 0.1
"""Share of the sample that the trimmed mean leaves out, and the winsorised mean pulls in, on each side."""

LEVELS = (0.05, 0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875, 0.95)
"""Quantiles among the statistics: the octiles, and the ends of the 90 % band."""

NAMES = ("l1", "l2", "l3", "l4", "trimmed", "winsorised", *LEVELS)
"""Rows of `order_weights`: four L-moments, trimmed and winsorised mean, quantiles."""


@lru_cache(maxsize=4)
def order_weights(size: int) -> Floats:
    """Weights of the sorted sample in each statistic of `NAMES`, shape (statistic, size).

    Examples
    --------
    >>> weights = order_weights(5)
    >>> (weights @ np.array([1.0, 2.0, 3.0, 4.0, 10.0]))[[0, 10]].round(12).tolist()
    [4.0, 3.0]
    """
    rows = [*l_moment_weights(size), trimmed_weights(size), winsorised_weights(size)]
    return np.stack([*rows, *(quantile_weights(size, level) for level in LEVELS)])


def l_moment_weights(size: int) -> Floats:
    """Weights of the unbiased sample L-moments l1 to l4, shape (4, size); zero where the sample is too small.

    Notes
    -----
    Hosking (1990), Journal of the Royal Statistical Society B 52, 105: l_r from the probability-weighted
    moments b_j = mean of (i-1)...(i-j) / ((n-1)...(n-j)) x_(i).

    Examples
    --------
    >>> (l_moment_weights(4) @ np.array([0.0, 1.0, 2.0, 3.0])).round(12).tolist()  # l2 = (n + 1) / 6
    [1.5, 0.833333333333, 0.0, 0.0]
    """
    rank = np.arange(size, dtype=np.float64)
    powers = [np.full(size, 1.0 / size)]
    for order in range(1, 4):
        powers.append(powers[-1] * np.maximum(rank - order + 1, 0) / max(size - order, 1))
    b0, b1, b2, b3 = powers
    weights = np.stack([b0, 2 * b1 - b0, 6 * b2 - 6 * b1 + b0, 20 * b3 - 30 * b2 + 12 * b1 - b0])
    return np.where(np.arange(4)[:, None] < size, weights, 0.0)


def trimmed_weights(size: int) -> Floats:
    """Weights of the mean without floor(`TRIM` n) values on each side, as scipy's ``trim_mean``."""
    cut = int(TRIM * size)
    rank = np.arange(size)
    return np.where((rank >= cut) & (rank < size - cut), 1.0 / max(size - 2 * cut, 1), 0.0)


def winsorised_weights(size: int) -> Floats:
    """Weights of the mean with floor(`TRIM` n) values on each side replaced by the nearest that is left."""
    cut = int(TRIM * size)
    weights = np.zeros(size)
    np.add.at(weights, np.clip(np.arange(size), cut, size - 1 - cut), 1.0 / size)
    return weights


def quantile_weights(size: int, level: float) -> Floats:
    """Weights of a quantile, interpolated linearly between order statistics as numpy does."""
    place = level * (size - 1)
    below = int(place)
    weights = np.zeros(size)
    weights[below] = 1 - (place - below)
    if below + 1 < size:
        weights[below + 1] += place - below
    return weights
