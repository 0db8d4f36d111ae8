"""Densities over time: implicit steps of adaptive length, extrapolated.

A step of length h is taken once, and again as two halves; ``2 p_(h/2, h/2) - p_h`` is of second order where
the step is of first (Richardson), and the difference of the two, the sum of its absolute values, controls h.
Where the extrapolated masses are not all positive the two halves are kept, which are: all steps here are
those of a Markov chain between cells.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.linalg import lu_factor, lu_solve
from scipy.sparse import csc_matrix, identity, issparse
from scipy.sparse.linalg import splu

from fastsde.analysis.density.fractional_laplacian import FarJumps
from fastsde.analysis.protocols import Floats

__all__ = ["LARGEST_DIFFERENCE", "ImplicitEuler", "SplitStep", "evolve", "solver_of"]

LARGEST_DIFFERENCE = 4e-4
"""Difference of a step and its two halves, summed over the cells, up to which it is taken."""
KEPT = 24
"""Factorisations that are kept."""

Solve = Callable[[Floats], Floats]


def solver_of(matrix: Any) -> Solve:
    """Return the solution of linear equations with a sparse or dense matrix, factored once."""
    if issparse(matrix):
        solve: Solve = splu(csc_matrix(matrix)).solve
        return solve
    factors = lu_factor(matrix, check_finite=False)
    return lambda right: np.asarray(lu_solve(factors, right, check_finite=False))


class ImplicitEuler:
    """Steps ``(1 - h A) p' = p`` of a generator, sparse or dense.

    Examples
    --------
    >>> step = ImplicitEuler(np.array([[-1.0, 1.0], [1.0, -1.0]]))
    >>> step(np.array([1.0, 0.0]), 0.5).tolist()
    [0.75, 0.25]
    """

    def __init__(self, matrix: Any) -> None:
        self._matrix = matrix
        self._one = identity(matrix.shape[0], format="csc") if issparse(matrix) else np.eye(len(matrix))
        self._solvers: dict[float, Solve] = {}

    def __call__(self, mass: Floats, step: float) -> Floats:
        """Return the masses after one step."""
        if step not in self._solvers:
            if len(self._solvers) >= KEPT:
                self._solvers.pop(next(iter(self._solvers)))
            self._solvers[step] = solver_of(self._one - step * self._matrix)
        return np.maximum(self._solvers[step](mass), 0.0)


class SplitStep:
    """Far jumps, exactly, then an implicit step of the rest: of first order, and positive."""

    def __init__(self, matrix: Any, jumps: FarJumps) -> None:
        self._local, self._jumps = ImplicitEuler(matrix), jumps

    def __call__(self, mass: Floats, step: float) -> Floats:
        """Return the masses after one step."""
        return self._local(self._jumps.after(mass, step), step)


def evolve(
    step: Callable[[Floats, float], Floats],
    start: Floats,
    times: Floats,
    tolerance: float = LARGEST_DIFFERENCE,
) -> Floats:
    """Return the masses at rising times from 0 on, shape (times, cells).

    Parameters
    ----------
    step : callable
        From masses and a length to the masses after one step of first order.
    start : ndarray, shape (cells,)
        At time 0.
    times : ndarray, shape (times,)
    tolerance : float
        Largest difference between a step and its two halves.

    Examples
    --------
    >>> step = ImplicitEuler(np.array([[-1.0, 1.0], [1.0, -1.0]]))
    >>> found = evolve(step, np.array([1.0, 0.0]), np.array([0.0, 1.0]))
    >>> bool(abs(found[1, 0] - (1 + np.exp(-2.0)) / 2) < 1e-4)
    True
    """
    mass, now, result = start, 0.0, np.empty((len(times), len(start)))
    length = float(times[-1]) / 1024
    for place, target in enumerate(times):
        while target - now > 1e-12 * target:
            rest = float(target - now)
            h = min(length, rest) if rest > 1.5 * length or rest <= length else rest / 2
            once = step(mass, h)
            twice = step(step(mass, h / 2), h / 2)
            difference = float(np.abs(twice - once).sum())
            if difference > tolerance and h > 1e-9 * times[-1]:
                length = h / 2 if h < length else length / 2
                continue
            better = 2 * twice - once
            mass = better if better.min() >= 0 else twice
            now += h
            if difference < tolerance / 5:
                length *= 2
        result[place] = mass
    return result
