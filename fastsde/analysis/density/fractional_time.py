"""Densities in fractional time: the L1 scheme.

The density of ``X(t) = Y(E(t))``, E the inverse of a beta-stable subordinator, obeys the fractional
Fokker-Planck equation ``d_t p = D_t^(1-beta) A p`` (Metzler and Klafter 2000; Magdziarz and Weron 2007), that
is with Caputo's derivative of order beta ``scale^(beta-1) D^beta p = A p``. The L1 scheme takes p as linear
between times,

    D^beta p(t_n) ~ sum_k c_k (p_k - p_(k-1)),   k = 1, .., n,
    c_k = ((t_n - t_(k-1))^(1-beta) - (t_n - t_k)^(1-beta)) / (Gamma(2-beta) (t_k - t_(k-1))),

of order 2 - beta (Lin and Xu 2007) on the graded times ``T (n/N)^r``, ``r = (2 - beta) / beta``, which the
kink of the density at time 0 needs (Stynes, O'Riordan and Gracia 2017). Masses stay positive and keep their
sum.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy.sparse import identity, issparse

from fastsde.analysis.density.evolution import solver_of
from fastsde.analysis.protocols import Floats

__all__ = ["caputo_weights", "evolve_fractional", "graded_times"]

STEEPEST = 8.0
"""Largest exponent of the graded times."""


def graded_times(end: float, steps: int, beta: float, also: Floats) -> Floats:
    """Return times from 0 to `end`, dense near 0, and the times `also` among them.

    Examples
    --------
    >>> graded_times(4.0, 2, 2 / 3, np.array([3.0])).round(9).tolist()
    [0.0, 1.0, 3.0, 4.0]
    """
    power = min((2 - beta) / beta, STEEPEST)
    times = end * (np.arange(steps + 1) / steps) ** power
    also = also[(also > 0) & (also <= end)]
    near = np.abs(np.subtract.outer(times, also)).min(axis=1, initial=np.inf) < 1e-9 * end
    near[0] = False
    return np.unique(np.concatenate([times[~near], also]))


def caputo_weights(times: Floats, beta: float) -> Floats:
    """Return the L1 weights of the differences ``p_k - p_(k-1)``, k to n, at the last of the times.

    Examples
    --------
    Of the function t the derivative of order 1/2 is ``2 (t / pi)^(1/2)``, exactly:

    >>> times = np.array([0.0, 0.5, 2.0])
    >>> derivative = caputo_weights(times, 0.5) @ np.diff(times)
    >>> bool(np.isclose(derivative, 2 * (2 / np.pi) ** 0.5))
    True
    """
    distance = (times[-1] - times) ** (1 - beta)
    return np.asarray(-np.diff(distance) / np.diff(times) / math.gamma(2 - beta))


def evolve_fractional(
    matrix: Any, start: Floats, times: Floats, beta: float, scale: float, steps: int
) -> Floats:
    """Return the masses at rising times, shape (times, cells).

    Parameters
    ----------
    matrix : sparse or dense matrix
        The generator in operational time.
    start, times : ndarray
    beta, scale : float
        Order, and the scale of the clock.
    steps : int
        Graded steps; the times are added to them.

    Examples
    --------
    Relaxation between two cells is a Mittag-Leffler function, ``E_(1/2)(-x) = exp(x^2) erfc(x)``:

    >>> from scipy.special import erfcx
    >>> matrix, start = np.array([[-0.5, 0.5], [0.5, -0.5]]), np.array([1.0, 0.0])
    >>> found = evolve_fractional(matrix, start, np.array([1.0]), 0.5, 1.0, 100)
    >>> bool(abs(2 * found[0, 0] - 1 - erfcx(1.0)) < 1e-3)
    True
    """
    grid = graded_times(float(times[-1]), steps, beta, times)
    one = identity(matrix.shape[0], format="csc") if issparse(matrix) else np.eye(len(matrix))
    size = scale ** (beta - 1)
    past, differences = start, np.empty((len(grid) - 1, len(start)))
    result = np.empty((len(times), len(start)))
    result[times <= 0] = start
    for n in range(1, len(grid)):
        weights = size * caputo_weights(grid[: n + 1], beta)
        known = weights[-1] * past - weights[:-1] @ differences[: n - 1]
        mass = np.maximum(solver_of(weights[-1] * one - matrix)(known), 0.0)
        differences[n - 1] = mass - past
        past = mass
        result[np.abs(times - grid[n]) < 1e-9 * times[-1]] = mass
    return result
