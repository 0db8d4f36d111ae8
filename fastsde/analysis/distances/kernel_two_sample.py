r"""Unbiased two-sample discrepancies of a kernel: mean k(x,x') + mean k(y,y') - 2 mean k(x,y)."""

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
    """Discrepancy of the two parts of a pooled sample under many labellings, for several kernels.

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


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator, unused-ignore]
def _add_squares(x: Floats, columns: Floats, result: Floats) -> None:
    for i in range(x.shape[0]):
        row = result[i]
        for k in range(x.shape[1]):
            for j in range(columns.shape[1]):
                row[j] += (x[i, k] - columns[k, j]) ** 2
