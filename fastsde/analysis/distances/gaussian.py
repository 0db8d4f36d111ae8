r"""Gaussian laws: their fits to samples, and closed forms of a distance and a divergence between them.

Wasserstein-2 (Bures): |m1-m2|^2 + tr(S1 + S2 - 2 (S1^{1/2} S2 S1^{1/2})^{1/2}).
Kullback-Leibler: (tr(S2^{-1} S1) - d + (m2-m1)^T S2^{-1} (m2-m1) + ln det S2 - ln det S1) / 2.
"""

from __future__ import annotations

import numpy as np

from fastsde.analysis.protocols import Bools, Floats

Gaussians = tuple[Floats, Floats]
"""Means, shape (..., d), and covariances, shape (..., d, d)."""


def bures(first: Gaussians, second: Gaussians) -> Floats:
    """Squared Wasserstein-2 distance of Gaussian laws.

    Parameters
    ----------
    first, second : tuple of ndarray
        Means, shape (..., d), and covariances, shape (..., d, d), which may be singular.

    Returns
    -------
    ndarray, shape (...)
        In squared units of the coordinates. Between any two laws with these moments it is a lower bound of
        the squared Wasserstein-2 distance (Gelbrich 1990).

    Notes
    -----
    Dowson and Landau (1982), J. Multivar. Anal. 12, 450. The trace of the root is the sum of the singular
    values of S1^{1/2} S2^{1/2}.

    Examples
    --------
    >>> float(bures((np.zeros(2), np.eye(2)), (np.array([3.0, 4.0]), 4 * np.eye(2))))
    27.0
    """
    (mean1, covariance1), (mean2, covariance2) = first, second
    roots = np.linalg.svd(_root(covariance1) @ _root(covariance2), compute_uv=False)
    traces = np.trace(covariance1, axis1=-2, axis2=-1) + np.trace(covariance2, axis1=-2, axis2=-1)
    return np.asarray(np.sum((mean1 - mean2) ** 2, axis=-1) + traces - 2 * roots.sum(axis=-1))


def divergence(first: Gaussians, second: Gaussians) -> Floats:
    """Kullback-Leibler divergence of Gaussian laws, in nats; infinite where the second is singular.

    Examples
    --------
    >>> float(divergence((np.zeros(1), np.eye(1)), (np.ones(1), np.eye(1))))
    0.5
    """
    (mean1, covariance1), (mean2, covariance2) = first, second
    size = mean1.shape[-1]
    _, log1 = np.linalg.slogdet(covariance1)
    sign, log2 = np.linalg.slogdet(covariance2)
    regular: Bools = np.asarray((sign > 0) & np.isfinite(log2))
    inverse = np.linalg.inv(np.where(regular[..., None, None], covariance2, np.eye(size)))
    shift = mean2 - mean1
    quadratic = np.einsum("...i,...ij,...j->...", shift, inverse, shift)
    trace = np.einsum("...ij,...ji->...", inverse, covariance1)
    with np.errstate(invalid="ignore"):  # infinity less infinity where both are singular
        return np.asarray(np.where(regular, (trace - size + quadratic + log2 - log1) / 2, np.inf))


def fitted(pooled: Floats, labels: Bools) -> Gaussians:
    """Mean and covariance (divisor n - 1) of the marked points, for each labelling.

    Parameters
    ----------
    pooled : ndarray, shape (n, d)
    labels : ndarray of bool, shape (labelling, n)
        At least two marks in each row.

    Returns
    -------
    tuple of ndarray, shapes (labelling, d) and (labelling, d, d)

    Examples
    --------
    >>> mean, covariance = fitted(np.array([[1.0], [3.0], [8.0]]), np.array([[True, True, False]]))
    >>> mean.tolist(), covariance.tolist()
    ([[2.0]], [[[2.0]]])
    """
    size = pooled.shape[1]
    middle = pooled.mean(axis=0)
    centred = pooled - middle
    products = (centred[:, :, None] * centred[:, None, :]).reshape(len(pooled), -1)
    marks = labels.astype(np.float64)
    count = marks.sum(axis=1)
    mean = marks @ centred / count[:, None]
    second = (marks @ products / count[:, None]).reshape(-1, size, size)
    covariance = second - mean[:, :, None] * mean[:, None, :]
    return mean + middle, covariance * (count / (count - 1))[:, None, None]


def _root(covariance: Floats) -> Floats:
    values, vectors = np.linalg.eigh(covariance)
    return np.asarray(vectors * np.sqrt(np.maximum(values, 0.0))[..., None, :] @ np.swapaxes(vectors, -1, -2))
