"""The current in a plane: how fast it turns, and its field."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from fastsde.analysis.confidence import Interval, around
from fastsde.analysis.currents.entropy import uncertainty_bound
from fastsde.analysis.currents.lagged import LaggedMoments
from fastsde.analysis.currents.linear_process import LinearProcess
from fastsde.analysis.protocols import Floats

CELLS = 9
REACH = 2.5
"""Cells along each axis of a field, and how many standard deviations it reaches out."""


@dataclass(frozen=True)
class Plane:
    """A plane of two combinations of coordinates, each with unit variance and uncorrelated in it.

    Attributes
    ----------
    basis : ndarray, shape (2, d)
        The combinations.
    turning : Interval
        Mean angular velocity ``2 <x dy - y dx> / 2 dt / (<x^2> + <y^2>)``, radians per unit time;
        positive from the first combination to the second.
    bound : float
        Lower bound of the entropy production rate, by the thermodynamic uncertainty relation.
    density : ndarray, shape (cell, cell)
        Share of the midpoints between snapshots in each cell, first combination along the first axis.
    velocity : ndarray, shape (cell, cell, 2)
        Mean displacement per unit time at midpoints in the cell; NaN where there are few.
    edges : ndarray, shape (cell + 1,)
    """

    basis: Floats
    turning: Interval
    bound: float
    density: Floats
    velocity: Floats
    edges: Floats


def fastest_plane(process: LinearProcess) -> Floats:
    """Plane in which the stationary current turns fastest relative to its spread; (2, d), unit variances.

    The top pair of the antisymmetric ``S^-1/2 Q S^-1/2``.

    Examples
    --------
    >>> drift = np.array([[1.0, -2.0, 0.0], [2.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    >>> plane = fastest_plane(LinearProcess.of_noise(drift, np.eye(3)))
    >>> bool(np.abs(plane[:, 2]).max() < 1e-12)
    True
    """
    values, vectors = np.linalg.eigh(process.covariance)
    root = vectors / np.sqrt(np.maximum(values, 1e-300)) @ vectors.T
    left, _, _ = np.linalg.svd(root @ process.area_rate @ root)
    return np.asarray(left[:, :2].T @ root)


def noise_plane(process: LinearProcess) -> Floats:
    """Plane of the two strongest directions of the noise, top eigenvectors of D, whitened; (2, d).

    Examples
    --------
    >>> plane = noise_plane(LinearProcess(np.eye(3), np.diag([1.0, 4.0, 9.0])))
    >>> np.abs(plane).round(2)
    array([[0.  , 0.  , 0.33],
           [0.  , 0.5 , 0.  ]])
    """
    _, vectors = np.linalg.eigh(process.diffusion)
    return whitened(vectors[:, [-1, -2]].T, process.covariance)


def whitened(basis: Floats, covariance: Floats) -> Floats:
    """Combine two directions into uncorrelated ones of unit variance, the first kept (Gram-Schmidt)."""
    lower = np.linalg.cholesky(basis @ covariance @ basis.T)
    return np.asarray(np.linalg.solve(lower, basis))


def turning(moments: LaggedMoments, basis: Floats, lag: float) -> tuple[Interval, float]:
    """Mean angular velocity in a plane, and the bound of the entropy production that follows from it.

    Parameters
    ----------
    moments : LaggedMoments
        Of trajectories that did not choose the plane.
    basis : ndarray, shape (2, d)
    lag : float
    """
    inside = moments.projected(basis)
    spread = float(np.trace(np.tensordot(np.ones(inside.groups), inside.covariance, 1)) / inside.count.sum())
    each = (inside.lagged[:, 1, 0] - inside.lagged[:, 0, 1]) / (inside.count * lag * spread)
    weight = inside.count / inside.count.sum()
    value = float(weight @ each)
    error = math.sqrt(float(weight**2 @ (each - value) ** 2) * inside.groups / (inside.groups - 1))
    duration = float(inside.count.mean()) * lag
    return around(value, error), uncertainty_bound(each, duration)


class FieldCollector:
    """Collects displacements between snapshots by the cell of their midpoint.

    Parameters
    ----------
    basis : ndarray, shape (2, d)
    lag : float
    """

    def __init__(self, basis: Floats, lag: float) -> None:
        self.basis, self.lag = basis, lag
        self.edges = np.linspace(-REACH, REACH, CELLS + 1)
        self._count = np.zeros(CELLS * CELLS)
        self._sums = np.zeros((2, CELLS * CELLS))
        self._total = 0

    def add(self, before: Floats, after: Floats) -> None:
        """Add a pair of snapshots, (trajectory, d)."""
        x = (before - before.mean(axis=0)) @ self.basis.T
        y = (after - after.mean(axis=0)) @ self.basis.T
        place = np.floor((x + y) / 2 / (2 * REACH) * CELLS + CELLS / 2).astype(int)
        inside = ((place >= 0) & (place < CELLS)).all(axis=1)
        cell = place[inside, 0] * CELLS + place[inside, 1]
        self._total += len(x)
        self._count += np.bincount(cell, minlength=CELLS * CELLS)
        for axis in range(2):
            move = (y - x)[inside, axis]
            self._sums[axis] += np.bincount(cell, weights=move, minlength=CELLS * CELLS)

    def result(self) -> tuple[Floats, Floats]:
        """Return density and mean velocity; a cell needs 20 midpoints for a velocity."""
        enough = np.where(self._count >= 20, self._count, np.nan)
        velocity = (self._sums / enough / self.lag).T.reshape(CELLS, CELLS, 2)
        return (self._count / max(1, self._total)).reshape(CELLS, CELLS), velocity
