"""Extreme eigenvalues of Hessians that are given by their products with directions, one per row.

Lanczos with full reorthogonalisation (Golub and Van Loan, Matrix Computations, section 10.1), of many
matrices at once by NumPy. The compiled form for deep linear networks is `fastsde.integrate.curvature`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

__all__ = ["row_curvature"]

Array = NDArray[np.float64]
Product = Callable[[Array, Array], Array]
STEPS = 96
"""Most Lanczos steps."""
EVERY = 8
"""Steps between two tests of convergence."""
TOLERANCE = 1e-5
"""Error bound, as a share of the largest absolute eigenvalue, at which the steps end."""
ROOM = 2**26
"""Bytes that the Krylov vectors of one chunk of rows may take."""


def row_curvature(product: Product, rows: Array) -> Array:
    """Return the smallest and largest eigenvalue of each row's Hessian, and a bound on their error.

    Parameters
    ----------
    product : callable
        From points and directions, (rows, p) each, to the Hessians times the directions.
    rows : (rows, p) array
        The points.

    Returns
    -------
    (rows, 3) array
        Columns: smallest, largest, and the larger of the two residual norms ``|H x - value x|`` of the unit
        Ritz vectors, plus rounding: an eigenvalue lies within it of each value.

    Examples
    --------
    >>> values = np.array([3.0, -1.0, 2.0])
    >>> row_curvature(lambda points, v: values * v, np.zeros((1, 3)))[0, :2].round(12)
    array([-1.,  3.])
    """
    steps = min(STEPS, rows.shape[1])
    chunk = max(1, ROOM // (8 * (steps + 1) * rows.shape[1]))
    parts = [_extremes(product, rows[at : at + chunk], steps) for at in range(0, len(rows), chunk)]
    return np.concatenate(parts) if parts else np.empty((0, 3))


def _extremes(product: Product, rows: Array, steps: int) -> Array:
    """Run Lanczos on all rows until the last has converged."""
    count, size = rows.shape
    start = np.random.Generator(np.random.Philox(0)).standard_normal(size)
    basis = np.zeros((count, steps + 1, size))
    basis[:, 0] = start / np.linalg.norm(start)
    diagonal, off = np.zeros((count, steps)), np.zeros((count, steps))
    found = np.zeros((count, 3))
    for k in range(steps):
        image = product(rows, basis[:, k])
        ended = ~basis[:, k].any(axis=1)
        own = np.einsum("rp,rp->r", image, basis[:, k])
        diagonal[:, k] = np.where(ended, diagonal[:, 0], own)  # within the range of the values
        rest = _orthogonal(image, basis[:, : k + 1])
        off[:, k] = np.linalg.norm(rest, axis=1)
        small = off[:, k] <= 1e-14 * np.abs(diagonal[:, : k + 1]).max(axis=1)
        off[small, k] = 0.0  # an invariant subspace has ended: zero vectors follow
        basis[:, k + 1] = np.where(small[:, None], 0.0, rest / np.where(small, 1.0, off[:, k])[:, None])
        if (k + 1) % EVERY == 0 or k + 1 == steps or small.all():
            found = _ritz(diagonal[:, : k + 1], off[:, : k + 1])
            if (found[:, 2] <= TOLERANCE * np.abs(found[:, :2]).max(axis=1)).all():
                break
    return found


def _orthogonal(vectors: Array, basis: Array) -> Array:
    """Return what of the vectors is orthogonal to the basis; twice, so that rounding does not matter."""
    for _ in range(2):
        along = np.einsum("rkp,rp->rk", basis, vectors)
        vectors = vectors - np.einsum("rkp,rk->rp", basis, along)
    return vectors


def _ritz(diagonal: Array, off: Array) -> Array:
    """Return the extreme Ritz values and the larger of their residual norms, plus rounding.

    One row after the other, by a solver for tridiagonal matrices that starts no threads.
    """
    from scipy.linalg import eigh_tridiagonal

    found, last = np.empty((len(diagonal), 3)), diagonal.shape[1] - 1
    for row, (middle, beside) in enumerate(zip(diagonal, off, strict=True)):
        values, ends = np.empty(2), np.empty(2)
        for which, place in enumerate((0, last)):
            value, vector = eigh_tridiagonal(middle, beside[:-1], select="i", select_range=(place, place))
            values[which], ends[which] = value[0], abs(vector[-1, 0])
        rounding = 32 * np.finfo(float).eps * np.abs(values).max()
        found[row] = *values, beside[-1] * ends.max() + rounding
    return found
