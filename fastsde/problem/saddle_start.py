"""Starts at a saddle of a deep linear network, with a perturbation of known size.

Wherever the lowest eigenvalue of the Hessian is negative, the saddle is left along its eigenvectors.

- With two layers the eigenvalue is ``-|R|_2``, ``R = c (W_K S - Syx)``. Its eigenvectors are
  ``(z v^T, u z^T) / sqrt(2)``: u and v are the first singular vectors of -R, and z is any unit vector of the
  hidden units that the saddle does not use.
- With more layers only a saddle that lacks a stronger mode than one that it keeps has a negative eigenvalue.
  Its eigenvector turns the weaker mode into the stronger one. This is so for two layers, too, if no hidden
  unit is unused.
- At other saddles of three or more layers the loss falls with the L-th power of the distance, fastest along
  ``(z_1 v^T, z_2 z_1^T, .., u z_{L-1}^T) / sqrt(L)``: the next mode grows through unused hidden units, with
  balanced layers.
"""

from __future__ import annotations

from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fastsde.problem.data import modes
from fastsde.problem.initial_points import AffineStart
from fastsde.problem.network import DeepLinearNetwork
from fastsde.problem.saddles import balanced_point, mode_parts
from fastsde.system.errors import Complaint, StudyError

if TYPE_CHECKING:
    from fastsde.problem.data import Problem
    from fastsde.study.tables import Initialisation

__all__ = ["SaddleStart"]

Array = NDArray[np.floating]
DENSE = 512
"""Parameters up to which the whole Hessian is made."""
NEGLIGIBLE = 1e-9
"""Share of the largest eigenvalue, or singular value, below which one is rounding."""


class SaddleStart:
    """Starting points at the balanced saddle that keeps some modes.

    Parameters
    ----------
    network : DeepLinearNetwork
    problem : Problem
    init : Initialisation
        Of kind "saddle".
    """

    def __init__(self, network: DeepLinearNetwork, problem: Problem, init: Initialisation) -> None:
        self.network, self.problem = network, problem
        self.size, self.escaping = float(init.perturbation or 0.0), init.direction == "escape"
        parts = mode_parts(problem)
        sizes = np.linalg.norm(parts, axis=(1, 2))
        kept = [k for k in init.kept if sizes[k] > NEGLIGIBLE * sizes.max()]
        self.rank = len(kept)
        self.map = parts[kept].sum(axis=0)
        self.origin = balanced_point(network, self.map, self.rank)
        """The saddle, (p,)."""

    def affine(self) -> AffineStart | None:
        """Return what `points` does to normals, if it is affine."""
        if self.escaping and self.size > 0:
            return None
        return AffineStart(self.origin.reshape(1, -1), np.full(self.origin.size, self.size))

    def points(self, normals: Array) -> Array:
        """Return a starting point for each row of standard normals, (trajectories, p)."""
        move = self.directions(normals) if self.escaping and self.size > 0 else normals
        return np.asarray(self.origin + self.size * move, dtype=normals.dtype)

    def directions(self, normals: Array) -> Array:
        """Return random unit vectors along which the saddle is left, (trajectories, p)."""
        if self._turn is not None:
            return np.where(normals[:, :1] < 0, -1.0, 1.0) * self._turn
        _, strength, _ = self._fastest
        if self._room and strength[0] > NEGLIGIBLE * np.linalg.norm(self.problem.cross, 2):
            return self._growth(normals)
        found = f"a start with {self.rank} modes learned, and no direction in which the loss falls"
        expected = "a saddle: hidden layers wider than the number of modes kept, and a mode left to learn"
        raise StudyError(
            [Complaint("network.init", found, expected, "lower rank, or widen the hidden layers")]
        )

    @property
    def _room(self) -> bool:
        """Whether every hidden layer has a unit that the saddle does not use."""
        return min(self.network.widths[1:-1]) > self.rank

    @cached_property
    def _fastest(self) -> tuple[Array, Array, Array]:
        """Singular vectors and values of -R, the largest first."""
        return modes(-self.network.residual(self.origin, self.problem))

    def _growth(self, normals: Array) -> Array:
        """Return the balanced growth of the next mode through random unused hidden units."""
        left, _, right = self._fastest
        count, end = len(normals), 0
        ends = [np.broadcast_to(right[:, 0], (count, len(right)))]
        for width in self.network.widths[1:-1]:
            start, end = end, end + width - self.rank
            unused = normals[:, start:end].astype(np.float64)
            unit = np.zeros((count, width))
            unit[:, self.rank :] = unused / np.linalg.norm(unused, axis=1, keepdims=True)
            ends.append(unit)
        ends.append(np.broadcast_to(left[:, 0], (count, len(left))))
        layers = [upper[:, :, None] * lower[:, None, :] for lower, upper in pairwise(ends)]
        return np.asarray(self.network.pack(layers) / np.sqrt(len(layers)))

    @cached_property
    def _turn(self) -> Array | None:
        """Return the eigenvector of the lowest eigenvalue, if it is negative and of used units alone.

        With three layers or more, the rows of the Hessian that belong to unused units vanish: what is left is
        the Hessian of the network without them.
        """
        first, *hidden, last = self.network.widths
        if self.rank == 0 or (len(hidden) == 1 and self._room):
            return None
        narrow = DeepLinearNetwork((first, *[self.rank] * len(hidden), last), self.network.loss_scale)
        value, vector, largest = lowest_eigenvector(narrow, self.problem, self.map, self.rank)
        if value >= -NEGLIGIBLE * largest:
            return None
        layers = []
        for layer, (rows, columns) in zip(narrow.unpack(vector), self.network.shapes, strict=True):
            padding = ((0, rows - layer.shape[0]), (0, columns - layer.shape[1]))
            layers.append(np.pad(layer, padding))
        return np.asarray(self.network.pack(layers))


def lowest_eigenvector(
    network: DeepLinearNetwork, problem: Problem, matrix: Array, rank: int
) -> tuple[float, NDArray[np.float64], float]:
    """Return the lowest eigenvalue of the Hessian at a balanced point, its vector, and the largest size."""
    point = balanced_point(network, np.asarray(matrix, np.float64), rank)
    size = network.size
    if size <= DENSE:
        whole = network.hessian_vector(np.broadcast_to(point, (size, size)), np.eye(size), problem)
        values, vectors = np.linalg.eigh((whole + whole.T) / 2)
        return float(values[0]), vectors[:, 0], float(np.abs(values).max())
    from scipy.sparse.linalg import LinearOperator, eigsh

    operator = LinearOperator(
        (size, size), matvec=lambda v: network.hessian_vector(point, v.ravel(), problem), dtype=np.float64
    )
    start = np.random.default_rng(0).standard_normal(size)
    value, vector = eigsh(operator, k=1, which="SA", v0=start, tol=1e-10)
    largest = eigsh(operator, k=1, which="LM", v0=start, tol=1e-3, return_eigenvectors=False)
    return float(value[0]), vector[:, 0], float(abs(largest[0]))
