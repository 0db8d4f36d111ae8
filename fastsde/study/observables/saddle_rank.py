"""The rank of an end-to-end matrix among the saddles, and its distance from the saddle of that rank."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from fastsde.study.observable import Observable, Snapshot, register

__all__ = ["best_maps", "rank_distance", "rank_index"]

Array = NDArray[Any]


class Optimum(Protocol):
    """What the saddles of a problem are made of."""

    @property
    def optimum(self) -> Array:
        """End-to-end matrix of least loss, (d_out, d_in)."""

    @property
    def factor(self) -> Array:
        """F with ``F F^T = S``, the covariance of the inputs, (d_in, d_in)."""


def best_maps(problem: Optimum) -> Array:
    """Return the maps of least loss of every rank, 0 to K; (K + 1, d_out, d_in).

    ``W_r = U_r U_r^T W``, W the optimum and U_r the first r left singular vectors of ``W S^(1/2)`` (Baldi and
    Hornik 1989): the end-to-end matrices of the saddles at which the r strongest modes are learned.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> problem = SimpleNamespace(optimum=np.diag([2.0, 1.0]), factor=np.eye(2))
    >>> best_maps(problem)[1] + 0.0
    array([[2., 0.],
           [0., 0.]])
    """
    left = np.linalg.svd(problem.optimum @ problem.factor, full_matrices=False)[0]
    shares = [left[:, :rank] @ left[:, :rank].T @ problem.optimum for rank in range(left.shape[1] + 1)]
    return np.stack(shares)


def rank_index(singular_values: Array, strength: Array) -> Array:
    """Count the singular values above half of the optimum's of the same number.

    Parameters
    ----------
    singular_values : (..., K) array
        Descending.
    strength : (K,) array
        Singular values of the optimum, descending; those that are zero are not counted.

    Returns
    -------
    (...) array of int

    Examples
    --------
    >>> rank_index(np.array([[9.0, 0.1], [9.0, 3.0]]), np.array([10.0, 5.0]))
    array([1, 2])
    """
    known = strength > 0
    return np.asarray(np.sum(singular_values[..., known] > strength[known] / 2, axis=-1))


def rank_distance(matrices: Array, rank: Array, maps: Array) -> Array:
    """Return ``|W - W_r|_F / |W_r|_F``, r the rank of each; at r = 0 in units of ``|W_1|_F``.

    Parameters
    ----------
    matrices : (n, d_out, d_in) array
    rank : (n,) array of int
    maps : (K + 1, d_out, d_in) array
        From `best_maps`.

    Examples
    --------
    >>> maps = np.array([np.zeros((1, 1)), np.full((1, 1), 2.0)])
    >>> rank_distance(np.array([[[2.5]], [[0.5]]]), np.array([1, 0]), maps)
    array([0.25, 0.25])
    """
    size = np.sqrt(np.sum(maps[np.maximum(rank, 1)] ** 2, axis=(-2, -1)))
    gap = np.sqrt(np.sum((matrices - maps[rank]) ** 2, axis=(-2, -1)))
    return np.asarray(gap / size)


def _rank(snapshot: Snapshot) -> Array:
    return rank_index(snapshot.singular_values, snapshot.problem.mode_strength)


register(
    Observable(
        name="rank_index",
        order=100,
        long_name="number of singular values of W above half the optimum's",
        objectives=("network",),
        needs=(),
        measure=_rank,
    )
)
register(
    Observable(
        name="rank_distance",
        order=110,
        long_name="|W - W_r| / |W_r|, W_r the best map of that rank",
        objectives=("network",),
        needs=(),
        measure=lambda snapshot: rank_distance(
            snapshot.end_to_end, _rank(snapshot), snapshot.once(best_maps)
        ),
    )
)
