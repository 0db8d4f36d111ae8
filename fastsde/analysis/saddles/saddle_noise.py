"""Gradient noise at a point: its covariance as a factor, and the shape of that covariance."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations_with_replacement
from typing import TYPE_CHECKING

import numpy as np

from fastsde.analysis.protocols import Floats

if TYPE_CHECKING:
    from fastsde.data import Problem

__all__ = ["NoiseShape", "noise_rows", "noise_shape", "sign_rows"]

LEADING = 6
"""Eigenvalues kept of each spectrum."""


@dataclass(frozen=True)
class NoiseShape:
    """Shape of a covariance.

    Attributes
    ----------
    trace : float
    participation : float
        ``(sum of eigenvalues)^2 / sum of squares``: how many directions have noise.
    spectrum : ndarray, shape (6,)
        Shares of the trace of the largest eigenvalues.
    alignment : float
        Variance along a direction over the mean variance: 1 for isotropic noise, NaN without a direction.
    """

    trace: float
    participation: float
    spectrum: Floats
    alignment: float


def noise_rows(end_to_end: Floats, problem: Problem) -> Floats:
    """Return rows whose sum of squares is the covariance of one sample's end-to-end gradient.

    Parameters
    ----------
    end_to_end : ndarray, shape (d_out, d_in)
        W.
    problem : Problem

    Returns
    -------
    ndarray, shape (k, d_out, d_in)
        ``C = sum_k N_k (x) N_k``. For n samples ``(R_i - mean R) / sqrt(n)``, ``R_i = c (W x_i - y_i)
        x_i^T``. For a population with inputs ``x = sqrt(tau) F g`` the images of independent unit normals
        under ``N = c [D F H F^T + sigma Z F^T]``, H symmetric with variance t2 off and 2 t2 on the diagonal
        and a common part of variance t2 - 1. Carried to the layers by `DeepLinearNetwork.push`, they give
        the covariance of the gradient in the parameters.

    Raises
    ------
    ValueError
        If the population has no such covariance.
    """
    scale = problem.loss_scale
    if problem.inputs is not None and problem.labels is not None:
        errors = scale * (problem.inputs @ end_to_end.T - problem.labels)
        rows = errors[:, :, None] * problem.inputs[:, None, :]
        return np.asarray((rows - rows.mean(axis=0)) / np.sqrt(len(rows)))
    if not (np.isfinite(problem.t2) and np.isfinite(problem.noise_sd)):
        raise ValueError("the gradient of this population has no covariance: its fourth moments are infinite")
    d_out, d_in = end_to_end.shape
    factor = problem.factor
    off = (end_to_end - problem.optimum) @ factor
    mixes = []
    for i, j in combinations_with_replacement(range(d_in), 2):
        mix = np.zeros((d_in, d_in))
        mix[i, j] = mix[j, i] = np.sqrt((2 if i == j else 1) * problem.t2)
        mixes.append(off @ mix @ factor.T)
    mixes.append(np.sqrt(problem.t2 - 1) * off @ factor.T)
    labels = np.zeros((d_out * d_in, d_out, d_in))
    labels.reshape(-1, d_out * d_in)[...] = np.eye(d_out * d_in)
    return np.asarray(scale * np.concatenate([np.stack(mixes), problem.noise_sd * labels @ factor.T]))


def noise_shape(rows: Floats, direction: Floats | None = None) -> NoiseShape:
    """Measure the covariance ``rows^T rows``.

    Parameters
    ----------
    rows : ndarray, shape (k, dimension)
    direction : ndarray, shape (dimension,) or (m, dimension), optional
        A vector of any length, zero counting as none; or orthonormal rows, over which the variance is
        averaged.

    Examples
    --------
    >>> found = noise_shape(np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([3.0, 4.0]))
    >>> round(found.participation, 12), round(found.alignment, 12)
    (2.0, 1.0)
    """
    gram = rows @ rows.T if len(rows) < rows.shape[1] else rows.T @ rows
    values = np.maximum(np.linalg.eigvalsh(gram)[::-1], 0.0)
    trace = float(values.sum())
    spectrum = np.zeros(LEADING)
    if trace <= 0:
        return NoiseShape(0.0, np.nan, np.full(LEADING, np.nan), np.nan)
    spectrum[: len(values[:LEADING])] = values[:LEADING] / trace
    length = 0.0 if direction is None else float(np.sum(direction**2))
    alignment = np.nan
    if direction is not None and length > 0:
        alignment = float(np.sum((rows @ direction.T) ** 2)) / length / trace * rows.shape[1]
    return NoiseShape(trace, trace**2 / float(np.sum(values**2)), spectrum, alignment)


def sign_rows(noise: Floats) -> Floats:
    """Return draws of noise as unit vectors over the root of their number: rows of the sign covariance.

    The spatial sign covariance has the eigenvectors of the covariance of any elliptical law, in the same
    order, and exists for heavy tails as well (Visuri, Koivunen and Oja 2000); its spectrum is less spread.
    """
    length = np.linalg.norm(noise, axis=1, keepdims=True)
    kept = (length > 0).ravel() & np.isfinite(noise).all(axis=1)
    return np.asarray(noise[kept] / length[kept] / np.sqrt(max(1, int(kept.sum()))))
