"""The saddles of a deep linear network: the modes that they keep, their maps, and balanced layers of them.

A critical point of the loss has the end-to-end matrix ``W_K = sum_{k in K} P_k``, ``P_k = u_k u_k^T W*``. The
u_k are eigenvectors of ``Syx S^-1 Syx^T``, equally the left singular vectors of ``W* S^(1/2)``; K is a set of
them (Baldi and Hornik 1989). S is the second moment of the inputs, W* the optimum.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fastsde.problem.initial_points import balanced_factors
from fastsde.study.observables.saddle_rank import best_maps

if TYPE_CHECKING:
    from fastsde.problem.data import Problem
    from fastsde.problem.network import DeepLinearNetwork

__all__ = ["balanced_point", "is_isotropic", "mode_parts", "next_size", "saddle_map"]

Array = NDArray[np.float64]


def is_isotropic(problem: Problem) -> bool:
    """Whether the inputs' second moment is a multiple of the identity."""
    covariance = np.asarray(problem.covariance, dtype=np.float64)
    heat = float(np.mean(np.diag(covariance)))
    return bool(np.allclose(covariance, heat * np.eye(len(covariance)), rtol=0, atol=1e-8 * heat))


def mode_parts(problem: Problem) -> Array:
    """Return ``P_k = u_k u_k^T W*``, strongest first, which add up to the optimum; (K, d_out, d_in).

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> problem = SimpleNamespace(optimum=np.diag([2.0, 1.5]), covariance=np.diag([1.0, 4.0]),
    ...                           factor=np.diag([1.0, 2.0]))
    >>> mode_parts(problem)[0] + 0.0  # the second mode of W* takes most off the loss
    array([[0. , 0. ],
           [0. , 1.5]])
    """
    if is_isotropic(problem):
        left, right = np.asarray(problem.mode_left), np.asarray(problem.mode_right)
        return np.asarray(np.einsum("ik,k,jk->kij", left, problem.mode_strength, right))
    return np.asarray(np.diff(best_maps(problem), axis=0))


def saddle_map(problem: Problem, kept: Sequence[int]) -> Array:
    """Return W of the saddle that keeps these modes, numbered from 0; (d_out, d_in)."""
    return np.asarray(mode_parts(problem)[list(kept)].sum(axis=0))


def next_size(problem: Problem, kept: Sequence[int]) -> float:
    """Return the Frobenius norm of the strongest part that the saddle lacks; infinite if it lacks none."""
    parts = mode_parts(problem)
    sizes = np.linalg.norm(parts, axis=(1, 2))
    lacking = [size for k, size in enumerate(sizes) if k not in kept and size > 1e-12 * sizes.max()]
    return float(lacking[0]) if lacking else float("inf")


def balanced_point(network: DeepLinearNetwork, matrix: Array, rank: int) -> Array:
    """Return balanced parameters with this map of this rank, in the first hidden units; (p,)."""
    hidden = [np.eye(width)[:, :rank] for width in network.widths[1:-1]]
    return np.asarray(network.pack([np.asarray(layer) for layer in balanced_factors(matrix, hidden)]))
