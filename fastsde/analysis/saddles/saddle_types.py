"""The type of each saddle itself: strict or flat, by the Hessian at the balanced point that has its map."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from fastsde.analysis.protocols import Floats
from fastsde.problem.data import Problem
from fastsde.problem.network import DeepLinearNetwork
from fastsde.problem.saddles import balanced_point

__all__ = ["DENSE", "SaddleTypes", "saddle_types"]

DENSE = 512
"""Parameters up to which the whole Hessian of a point is made."""


@dataclass(frozen=True)
class SaddleTypes:
    """Curvature at the saddles themselves, not at visiting states; every array has the saddle first.

    The saddle is the critical point with the saddle's map whose layers are balanced and of its rank. Points
    with the same map but more in the layers, whose product vanishes, may be strict where this one is flat.

    Attributes
    ----------
    lowest, highest : ndarray, shape (saddle,)
        Smallest and largest eigenvalue of the Hessian; NaN where the saddles' own maps are not known, or a
        hidden layer is too narrow for the saddle.
    error : ndarray, shape (saddle,)
        Bound of their errors.
    negative : ndarray, shape (saddle,)
        Number of eigenvalues below minus the error; NaN for more than `DENSE` parameters.
    strict : ndarray, shape (saddle,)
        1 if the smallest eigenvalue lies below minus the error, 0 if not: the saddle is flat.
    parameters : int
    """

    lowest: Floats
    highest: Floats
    error: Floats
    negative: Floats
    strict: Floats
    parameters: int


def saddle_types(
    maps: Floats,
    rank: Floats,
    network: DeepLinearNetwork,
    problem: Problem,
    extremes: Callable[[Floats], Floats],
) -> SaddleTypes:
    """Compute the type of each saddle.

    For two layers the smallest eigenvalue is minus the largest singular value of ``R = c (W S - Syx)``. For
    more, a saddle that keeps the strongest modes has none below zero, and one that keeps mode m in the stead
    of a stronger k, with white inputs, has ``-s_m^((L-2)/L) (s_k - s_m)``.

    Parameters
    ----------
    maps : ndarray, shape (saddle, d_out, d_in)
        W of the saddles; NaN where unknown.
    rank : ndarray, shape (saddle,)
    network : DeepLinearNetwork
    problem : Problem
    extremes : callable
        Smallest eigenvalue, largest, and error bound, (n, 3), at parameters (n, p): for large networks.
    """
    rows = np.full((len(maps), 4), np.nan)
    for place, (matrix, kept) in enumerate(zip(maps, rank, strict=True)):
        if np.isfinite(matrix).all() and kept <= min(network.widths):
            point = balanced_point(network, matrix, int(kept))
            if network.size <= DENSE:
                rows[place] = _dense(point, network, problem)
            else:
                rows[place, :3] = extremes(point[None])[0]
    lowest, highest, error, negative = rows.T
    strict = np.where(np.isfinite(lowest), lowest < -error, np.nan)
    return SaddleTypes(lowest, highest, error, negative, strict, network.size)


def _dense(point: Floats, network: DeepLinearNetwork, problem: Problem) -> tuple[float, float, float, float]:
    """Smallest and largest eigenvalue, error bound, and number of negative ones."""
    size = network.size
    hessian = network.hessian_vector(np.broadcast_to(point, (size, size)), np.eye(size), problem)
    values = np.linalg.eigvalsh((hessian + hessian.T) / 2)
    error = 8 * size * float(np.finfo(np.float64).eps) * float(np.abs(values).max())
    return float(values[0]), float(values[-1]), error, float(np.sum(values < -error))
