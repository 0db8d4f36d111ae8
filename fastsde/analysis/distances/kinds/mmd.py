r"""Unbiased squared maximum mean discrepancy with Gaussian kernels exp(-|x-y|^2 / (2 h^2))."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fastsde.analysis.distances import kernel_two_sample
from fastsde.analysis.protocols import Bools, Floats

SCALES = (0.25, 1.0, 4.0)
"""Bandwidths, in units of the median one, of the Gaussian kernels whose mean is the kernel of the MMD."""

FACTORS = (0.25, 0.5, 1.0, 2.0, 4.0)
"""Bandwidths of the aggregated test, in units of the median one."""


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
    squares = kernel_two_sample.squared_distances(sample, sample)[np.triu_indices(len(sample), 1)]
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


def relabelled(pooled: Floats, labels: Bools, bandwidth: float, scales: Sequence[float] = (1.0,)) -> Floats:
    """Unbiased squared MMD of the two parts of a pooled sample under many labellings.

    Parameters
    ----------
    pooled : ndarray, shape (n, d)
        Both samples.
    labels : ndarray of bool, shape (labelling, n)
        True for the first sample; every row holds as many of them.
    bandwidth : float
        Kernel width h.
    scales : sequence of float
        The kernel is the mean of Gaussian ones, whose widths are these times h.

    Returns
    -------
    ndarray, shape (labelling,)
    """
    kernels = [gaussian_kernel(scale * bandwidth) for scale in scales]
    mean = kernels[0] if len(kernels) == 1 else _mean_kernel(kernels)
    return np.asarray(kernel_two_sample.relabelled(pooled, labels, [mean])[0])


def gaussian_kernel(bandwidth: float) -> kernel_two_sample.Kernel:
    """Return the kernel as a function of the squared distance.

    Examples
    --------
    >>> gaussian_kernel(1.0)(np.array([0.0, np.inf]))
    array([1., 0.])
    """
    factor = -0.5 / bandwidth**2
    return lambda squares: np.exp(factor * squares)


def _mean_kernel(kernels: Sequence[kernel_two_sample.Kernel]) -> kernel_two_sample.Kernel:
    return lambda squares: np.mean([kernel(squares) for kernel in kernels], axis=0)


def relabelled_widths(pooled: Floats, labels: Bools, bandwidths: Sequence[float]) -> Floats:
    """Unbiased squared MMD at several bandwidths under many labellings, shape (bandwidth, labelling)."""
    return kernel_two_sample.relabelled(pooled, labels, [gaussian_kernel(one) for one in bandwidths])


def aggregated(values: Floats) -> Floats:
    """Largest squared MMD over bandwidths, each in units of its null quantile.

    Parameters
    ----------
    values : ndarray, shape (bandwidth, labelling)
        From `relabelled_widths`, at least two labellings.

    Returns
    -------
    ndarray, shape (labelling,)
        max over bandwidths of MMD^2 / q95, where q95 is the 95 % quantile over all labellings, the observed
        one among them: the labellings stay exchangeable, so a permutation test of the maximum is exact.

    Notes
    -----
    As Schrab, Kim, Albert, Laurent, Guedj and Gretton (2023), JMLR 24, 194, with scaled statistics instead
    of adjusted levels.

    Examples
    --------
    >>> aggregated(np.array([[4.0, 1.0, 0.0], [9.0, 0.0, 3.0]])).argmax()
    np.int64(0)
    """
    scale = np.quantile(values, 0.95, axis=1, keepdims=True)
    return np.asarray(np.max(values / np.where(scale > 0, scale, 1.0), axis=0))


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
