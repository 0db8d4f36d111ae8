r"""Unbiased squared maximum mean discrepancy with a Gaussian kernel exp(-|x-y|^2 / (2 h^2))."""

from __future__ import annotations

import numpy as np

from fastsde.analysis.protocols import Bools, Floats

BLOCK = 512
"""Rows of the kernel matrix held at a time."""


def median_bandwidth(sample: Floats) -> float:
    """Bandwidth h with h^2 half the median of the squared distances between distinct points.

    Parameters
    ----------
    sample : ndarray, shape (n, d)
        Points pooled over everything that is to be compared: the bandwidth must then stay frozen.

    Returns
    -------
    float
        Positive; 1 if more than half of the distances are zero and no better scale exists.

    Examples
    --------
    >>> round(median_bandwidth(np.array([[0.0], [2.0]])) ** 2, 12)
    2.0
    """
    squares = _squared_distances(sample, sample)[np.triu_indices(len(sample), 1)]
    scale = float(np.median(squares)) if squares.size else 0.0
    if scale == 0.0 and np.any(squares > 0):
        scale = float(np.mean(squares))
    return float(np.sqrt(scale / 2)) if scale > 0 else 1.0


def squared_mmd(x: Floats, y: Floats, bandwidth: float) -> float:
    """Unbiased estimate of the squared maximum mean discrepancy of two samples.

    mean_{i != j} k(x_i, x_j) + mean_{i != j} k(y_i, y_j) - 2 mean k(x_i, y_j)

    Parameters
    ----------
    x, y : ndarray, shapes (n, d) and (m, d)
        The samples, at least two points each.
    bandwidth : float
        Kernel width h, in the unit of the coordinates.

    Returns
    -------
    float
        Dimensionless, between about 0 and 2; negative values are chance around zero. It exists for
        every law, heavy tails included.

    Notes
    -----
    Gretton, Borgwardt, Rasch, Schoelkopf and Smola (2012), JMLR 13, 723, equation 3.

    Examples
    --------
    >>> x = np.zeros((4, 1))
    >>> squared_mmd(x, x + 100.0, bandwidth=1.0)
    2.0
    """
    labels = np.arange(len(x) + len(y)) < len(x)
    return float(relabelled(np.concatenate([x, y]), labels[None], bandwidth)[0])


def relabelled(pooled: Floats, labels: Bools, bandwidth: float) -> Floats:
    """Unbiased squared MMD of the two parts of a pooled sample under many labellings.

    The kernel matrix is made once, ``BLOCK`` rows at a time, so memory is BLOCK x n and not n x n.

    Parameters
    ----------
    pooled : ndarray, shape (n, d)
        Both samples.
    labels : ndarray of bool, shape (labelling, n)
        True for the first sample; every row holds as many of them.
    bandwidth : float
        Kernel width h.

    Returns
    -------
    ndarray, shape (labelling,)
    """
    size = len(pooled)
    chosen = labels.T.astype(np.float64)
    first = int(labels[0].sum())
    second = size - first
    inside = np.zeros(labels.shape[0])
    touching = np.zeros(labels.shape[0])
    total = 0.0
    for start in range(0, size, BLOCK):
        kernel = np.exp(-_squared_distances(pooled[start : start + BLOCK], pooled) / (2 * bandwidth**2))
        rows = chosen[start : start + BLOCK]
        inside += np.einsum("ip,ip->p", rows, kernel @ chosen)
        touching += kernel.sum(axis=1) @ rows
        total += float(kernel.sum())
    cross = touching - inside
    rest = total - 2 * touching + inside
    return np.asarray(
        (inside - first) / (first * (first - 1))
        + (rest - second) / (second * (second - 1))
        - 2 * cross / (first * second)
    )


def with_exploded(points: Floats, bandwidth: float) -> Floats:
    """Give rows that are not finite a place of their own, infinitely far from all others.

    An exploded trajectory is then a state like any other: it has kernel 1 with the exploded ones and 0 with
    the rest, so that the discrepancy also sees how many there are.

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
    >>> gone = with_exploded(np.array([[1.0], [np.nan], [np.nan], [np.nan]]), 1.0)
    >>> round(squared_mmd(gone[1:], np.zeros((3, 2)), 1.0), 3)
    2.0
    """
    exploded: Bools = np.asarray(~np.isfinite(points).all(axis=1))
    there = np.where(exploded, 1e6 * bandwidth, 0.0)
    return np.column_stack([np.where(exploded[:, None], 0.0, points), there])


def _squared_distances(x: Floats, y: Floats) -> Floats:
    """Squared distances coordinate by coordinate: no cancellation, and exact zeros on the diagonal."""
    result = np.zeros((len(x), len(y)))
    with np.errstate(over="ignore"):
        for a, b in zip(x.T, y.T, strict=True):
            difference = a[:, None] - b[None, :]
            result += difference * difference
    return result
