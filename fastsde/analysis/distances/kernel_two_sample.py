r"""Two-sample statistics of a kernel, unbiased: mean k(x,x') + mean k(y,y') - 2 mean k(x,y)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numba import njit

from fastsde.analysis.protocols import Bools, Floats

BLOCK = 512
"""Rows of the kernel matrix held at a time."""

Kernel = Callable[[Floats], Floats]
"""From squared distances to the kernel, element by element."""


def relabelled(pooled: Floats, labels: Bools, kernels: Sequence[Kernel], block: int | None = None) -> Floats:
    """Statistic of the two parts of a pooled sample under many labellings, for several kernels.

    mean_{i != j} k(x_i, x_j) + mean_{i != j} k(y_i, y_j) - 2 mean k(x_i, y_j)

    Distances are taken once, ``BLOCK`` rows at a time, so memory is BLOCK x n and not n x n.

    Parameters
    ----------
    pooled : ndarray, shape (n, d)
        Both samples.
    labels : ndarray of bool, shape (labelling, n)
        True for the first sample; every row holds as many of them, at least two and at most n - 2.
    kernels : sequence of callable
        Functions of the squared distance.
    block : int, optional
        Rows at a time.

    Returns
    -------
    ndarray, shape (kernel, labelling)

    Examples
    --------
    >>> x = np.array([[0.0], [0.0], [3.0], [3.0]])
    >>> relabelled(x, np.array([[True, True, False, False]]), [lambda squares: -np.sqrt(squares)])
    array([[6.]])
    """
    size = len(pooled)
    chosen = labels.T.astype(np.float64)
    first = int(labels[0].sum())
    second = size - first
    inside, touching = np.zeros((2, len(kernels), len(labels)))
    total, diagonal = np.zeros((2, len(kernels)))
    own = np.zeros(1)
    step = block or BLOCK
    for start in range(0, size, step):
        squares = squared_distances(pooled[start : start + step], pooled)
        rows = chosen[start : start + step]
        for number, kernel in enumerate(kernels):
            values = kernel(squares)
            inside[number] += np.einsum("ip,ip->p", rows, values @ chosen)
            touching[number] += values.sum(axis=1) @ rows
            total[number] += float(values.sum())
    for number, kernel in enumerate(kernels):
        diagonal[number] = float(kernel(own)[0])
    cross = touching - inside
    rest = total[:, None] - 2 * touching + inside
    same = diagonal[:, None]
    return np.asarray(
        (inside - first * same) / (first * (first - 1))
        + (rest - second * same) / (second * (second - 1))
        - 2 * cross / (first * second)
    )


def squared_distances(x: Floats, y: Floats) -> Floats:
    """Squared distances coordinate by coordinate: no cancellation, and exact zeros on the diagonal.

    Examples
    --------
    >>> squared_distances(np.array([[0.0, 0.0]]), np.array([[3.0, 4.0]]))
    array([[25.]])
    """
    result = np.zeros((len(x), len(y)))
    _add_squares(np.ascontiguousarray(x), np.ascontiguousarray(y.T), result)
    return result


def gaussian_kernel(bandwidth: float) -> Kernel:
    """Return the kernel as a function of the squared distance.

    Examples
    --------
    >>> gaussian_kernel(1.0)(np.array([0.0, np.inf]))
    array([1., 0.])
    """
    factor = -0.5 / bandwidth**2
    return lambda squares: np.exp(factor * squares)


def median_bandwidth(sample: Floats) -> float:
    """Bandwidth h with h^2 half the median of the squared distances between distinct points.

    Parameters
    ----------
    sample : ndarray, shape (n, d)
        Points pooled over everything that is to be compared, so that the bandwidth is the same for all.

    Returns
    -------
    float
        Positive; 1 if more than half of the distances are zero and no better scale exists.

    Examples
    --------
    >>> round(median_bandwidth(np.array([[0.0], [2.0]])) ** 2, 12)
    2.0
    """
    squares = squared_distances(sample, sample)[np.triu_indices(len(sample), 1)]
    scale = float(np.median(squares)) if squares.size else 0.0
    if scale == 0.0 and np.any(squares > 0):
        scale = float(np.mean(squares))
    return float(np.sqrt(scale / 2)) if scale > 0 else 1.0


def with_diverged(points: Floats, bandwidth: float) -> Floats:
    """Give rows that are not finite a place of their own, infinitely far from all others.

    A diverged trajectory is then a state like any other: it has kernel 1 with the diverged ones and 0 with
    the rest, so that the distance also depends on how many there are.

    Parameters
    ----------
    points : ndarray, shape (n, d)
    bandwidth : float
        Kernel width that will be used.

    Returns
    -------
    ndarray, shape (n, d + 1)

    Examples
    --------
    >>> with_diverged(np.array([[1.0], [np.nan]]), 1.0).tolist()
    [[1.0, 0.0], [0.0, 1000000.0]]
    """
    diverged: Bools = np.asarray(~np.isfinite(points).all(axis=1))
    there = np.where(diverged, 1e6 * bandwidth, 0.0)
    return np.column_stack([np.where(diverged[:, None], 0.0, points), there])


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator, unused-ignore]
def _add_squares(x: Floats, columns: Floats, result: Floats) -> None:
    for i in range(x.shape[0]):
        row = result[i]
        for k in range(x.shape[1]):
            for j in range(columns.shape[1]):
                row[j] += (x[i, k] - columns[k, j]) ** 2
