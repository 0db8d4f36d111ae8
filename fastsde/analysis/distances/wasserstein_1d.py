r"""Exact Wasserstein distances in one dimension: W_p^p = integral of |F^{-1}(u) - G^{-1}(u)|^p over u."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from fastsde.analysis.protocols import Bools, Floats


def wasserstein_1d(x: Floats, y: Floats, power: int = 1) -> float:
    """Wasserstein distance of order 1 or 2 of two samples on the line, of any sizes.

    Parameters
    ----------
    x, y : ndarray, shapes (n,) and (m,)
        The samples.
    power : int
        p, 1 or 2. The distance exists where the law has a moment of order p.

    Returns
    -------
    float
        In the unit of the samples. It is positive between two samples of one law, about n^(-1/2): read it
        beside its null band.

    Notes
    -----
    Both quantile functions are steps; the integral is the sum over the merged steps (Villani 2003, 2.2).

    Examples
    --------
    >>> wasserstein_1d(np.array([0.0, 1.0]), np.array([2.0]))
    1.5
    """
    x, y = np.sort(x), np.sort(y)
    if len(x) == len(y):
        return float(np.mean(np.abs(x - y) ** power) ** (1 / power))
    ends = np.concatenate([np.arange(1, len(x) + 1) / len(x), np.arange(1, len(y) + 1) / len(y)])
    levels = np.unique(np.minimum(ends, 1.0))
    width = np.diff(np.concatenate([[0.0], levels]))
    middle = levels - width / 2
    at_x = x[np.minimum((middle * len(x)).astype(int), len(x) - 1)]
    at_y = y[np.minimum((middle * len(y)).astype(int), len(y) - 1)]
    return float(np.sum(width * np.abs(at_x - at_y) ** power) ** (1 / power))


def relabelled(pooled: Floats, labels: Bools, power: int = 1) -> Floats:
    """Distance of the two halves of a pooled sample in each coordinate, under many labellings.

    Every coordinate is sorted once; a labelling is then one pass through it.

    Parameters
    ----------
    pooled : ndarray, shape (2n, d)
        Both samples, one after the other.
    labels : ndarray of bool, shape (labelling, 2n)
        True for the first sample; each row holds n of them.
    power : int
        p, 1 or 2.

    Returns
    -------
    ndarray, shape (labelling, d)
        In the unit of each coordinate.
    """
    costs = np.zeros((pooled.shape[1], labels.shape[0]))
    for column, total in zip(pooled.T, costs, strict=True):
        add_costs(column, labels, power, total)
    return np.asarray(costs.T ** (1 / power))


def add_costs(column: Floats, labels: Bools, power: int, total: Floats) -> None:
    """Add the p-th power of the one-dimensional distance to ``total``, for each labelling in place."""
    order = np.argsort(column, kind="stable").astype(np.uintp)
    add = _add_squares if power == 2 else _add_moduli
    add(column[order], order, labels.view(np.uint8), total)


@njit(cache=True, nogil=True, fastmath={"reassoc"})  # type: ignore[untyped-decorator, unused-ignore]
def _add_squares(ordered: Floats, order: NDArray[np.uintp], marks: NDArray[np.uint8], total: Floats) -> None:
    """Add to ``total`` the mean squared difference of the two ordered halves, for each labelling.

    Random marks would defeat branch prediction, so each value is written to both halves and kept in one.
    Unsigned indices spare the test for negative ones.
    """
    half = ordered.shape[0] // 2
    first = np.empty(half + 1)
    second = np.empty(half + 1)
    one = np.uintp(1)
    for row in range(marks.shape[0]):
        mine = marks[row]
        i = np.uintp(0)
        j = np.uintp(0)
        for position in range(ordered.shape[0]):
            first[i] = ordered[position]
            second[j] = ordered[position]
            mark = np.uintp(mine[order[position]])
            i += mark
            j += one - mark
        squares = 0.0
        for position in range(half):
            squares += (first[position] - second[position]) ** 2
        total[row] += squares / half


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator, unused-ignore]
def _add_moduli(ordered: Floats, order: NDArray[np.uintp], marks: NDArray[np.uint8], total: Floats) -> None:
    """Add to ``total`` the mean difference of the two ordered halves: W_1 = integral of |F - G|."""
    half = ordered.shape[0] // 2
    for row in range(marks.shape[0]):
        mine = marks[row]
        excess, area = 0, 0.0
        for position in range(2 * half - 1):
            excess += 2 * mine[order[position]] - 1
            area += abs(excess) * (ordered[position + 1] - ordered[position])
        total[row] += area / half
