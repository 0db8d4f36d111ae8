"""Quantile functions of weighted samples, coordinate by coordinate, for many weightings at once."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from fastsde.analysis.protocols import Floats

Weights = NDArray[np.uint8]

CENTRE = 0.90
"""Share of the law that is compared: quantiles from 5 % to 95 %, which every law has, whatever its tails."""

LEVELS: Floats = (1 - CENTRE) / 2 + CENTRE * (np.arange(90) + 0.5) / 90
"""Midpoints of equal steps through the centre: the mean over them is the integral over the centre."""


def central_quantiles(points: Floats, weights: Weights) -> Floats:
    """Quantiles of each coordinate of finite points at `LEVELS`, under each weighting.

    Parameters
    ----------
    points : ndarray, shape (n, coordinate)
        Finite.
    weights : ndarray of uint8, shape (weighting, n)
        How often each point counts: 0 leaves it out, as the jackknife does; the bootstrap repeats it.

    Returns
    -------
    ndarray, shape (weighting, level, coordinate)
        Linear between the midpoints of the steps of the empirical law (Hazen); NaN without any weight.

    Examples
    --------
    >>> both, first = central_quantiles(np.array([[0.0], [1.0]]), np.array([[1, 1], [1, 0]], np.uint8))
    >>> float(both.mean().round(12)), float(first.max())
    (0.5, 0.0)
    """
    order = np.argsort(points.T, axis=1)
    quantiles = np.full((len(weights), len(LEVELS), points.shape[1]), np.nan)
    marks = np.ascontiguousarray(weights)
    total = marks.sum(axis=1, dtype=np.int64)
    for column, places in enumerate(order):
        _weighted(points[places, column], places, marks, total, LEVELS, quantiles[..., column])
    return quantiles


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator, unused-ignore]
def _weighted(
    ordered: Floats,
    order: NDArray[np.intp],
    weights: Weights,
    total: NDArray[np.int64],
    levels: Floats,
    found: Floats,
) -> None:
    """Fill ``found``, shape (weighting, level), in one walk through the ordered sample for each weighting."""
    size = ordered.shape[0]
    for row in range(weights.shape[0]):
        if total[row] == 0:
            continue
        mine = weights[row]
        place, reached = 0, np.int64(mine[order[0]])
        for number in range(levels.shape[0]):
            position = min(max(levels[number] * total[row] - 0.5, 0.0), total[row] - 1.0)
            whole = np.int64(position)
            while reached <= whole:
                place += 1
                reached += mine[order[place]]
            value = ordered[place]
            beyond = place
            if reached <= whole + 1:  # the next of the sample, if there is one with weight
                beyond = place + 1
                while beyond < size and mine[order[beyond]] == 0:
                    beyond += 1
                beyond = min(beyond, size - 1)
            found[row, number] = value + (position - whole) * (ordered[beyond] - value)
