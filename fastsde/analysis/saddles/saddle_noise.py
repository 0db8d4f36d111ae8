"""Gradient noise at a point: its covariance as a factor, and the shape of that covariance."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations_with_replacement
from typing import TYPE_CHECKING

import numpy as np

from fastsde.analysis.confidence import Interval, around
from fastsde.analysis.protocols import Floats, Integers

if TYPE_CHECKING:
    from fastsde.problem.data import Problem

__all__ = ["NoiseShape", "noise_rows", "noise_shape", "sign_rows", "sign_shape"]

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


def sign_shape(noise: Floats, trajectory: Integers, mode: int) -> tuple[Interval, Interval]:
    """Measure the sign covariance of draws: participation ratio, and variance along a mode over the mean.

    Parameters
    ----------
    noise : ndarray, shape (n, mode)
    trajectory : ndarray of int, shape (n,)
        Of each draw; the unit of the intervals, which are normal for the logarithm (delta method).
    mode : int

    Examples
    --------
    >>> draws = np.random.default_rng(0).standard_normal((3000, 4))
    >>> spread, along = sign_shape(draws, np.arange(3000) // 3, 0)
    >>> bool(spread.high > 3.99), bool(along.low < 1 < along.high)
    (True, True)
    """
    known = np.isfinite(noise).all(axis=1) & (np.linalg.norm(noise, axis=1) > 0)
    if not known.any():
        nothing = Interval(np.array(np.nan), np.array(np.nan), np.array(np.nan))
        return nothing, nothing
    unit = noise[known] / np.linalg.norm(noise[known], axis=1, keepdims=True)
    group = np.unique(trajectory[known], return_inverse=True)[1].ravel()
    covariance = unit.T @ unit / len(unit)
    square = float(np.sum(covariance**2))
    share = np.einsum("ni,ij,nj->n", unit, covariance, unit)
    along = unit.shape[1] * unit[:, mode] ** 2
    return (
        _positive(1 / square, -2 / square**2 * (share - square), group),
        _positive(float(along.mean()), along - along.mean(), group),
    )


def _positive(value: float, influence: Floats, group: Integers) -> Interval:
    """Interval of a positive estimate, from what each draw adds to its error, summed by trajectory."""
    groups = int(group.max()) + 1
    if groups < 2 or value <= 0:
        return Interval(np.array(value), np.array(np.nan), np.array(np.nan))
    sums = np.bincount(group, weights=influence)
    error = np.sqrt(groups / (groups - 1) * np.sum(sums**2)) / len(influence) / value
    interval = around(np.log(value), error)
    return Interval(np.array(value), np.exp(interval.low), np.exp(interval.high))
