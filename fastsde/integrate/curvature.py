"""Extreme eigenvalues of the Hessian of the loss, for blocks of trajectories or rows of parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from fastsde.integrate.lowering import Lowered

__all__ = ["block_curvature", "curvature", "lanczos_setting"]

Array = NDArray[Any]
STEPS = 96
"""Most Lanczos steps from each start."""
STARTS = 2
TOLERANCE = {8: 1e-5, 4: 1e-4}
"""Error bound, as a share of the largest absolute eigenvalue, at which a run ends; by bytes of a number."""


def lanczos_setting(network: Any, dtype: Any) -> tuple[Any, Array, float]:
    """Return places, starting vectors and tolerance of Lanczos for a network of the kernels."""
    from fastsde.kernels.hessian import plan_space

    plan = plan_space(network.widths, min(STEPS, network.parameters))
    starts = np.random.Generator(np.random.Philox(0)).standard_normal((STARTS, network.parameters))
    starts = (starts / np.linalg.norm(starts, axis=1, keepdims=True)).astype(dtype)
    return plan, starts, TOLERANCE[dtype.itemsize]


def block_curvature(state: Array, memory: Array, lowered: Lowered) -> Array:
    """Return smallest and largest Hessian eigenvalue and their error bound for blocks of trajectories.

    Parameters
    ----------
    state : (blocks, parameters * lanes) array
        Interleaved parameters, as the kernels hold them.
    memory : array
        One thread's memory for a block.
    lowered : Lowered
        The model; its network and data count.

    Returns
    -------
    (blocks * lanes, 3) array
        Columns: smallest, largest, and the larger of the two residual norms ``|H x - value x|`` of the unit
        Ritz vectors, plus rounding: an eigenvalue lies within it of each value.
    """
    from fastsde.kernels.cpu import aligned
    from fastsde.kernels.lanczos import extreme_eigenvalues
    from fastsde.kernels.lanes import lane_count

    network = lowered.network
    lanes = lane_count(state.dtype)
    plan, starts, tolerance = lanczos_setting(network, state.dtype)
    space = aligned(plan.size * lanes, state.dtype)
    out = np.full((len(state) * lanes, 3), np.nan, state.dtype)
    extreme_eigenvalues(state, memory, space, network, lowered.data, plan, starts, tolerance, out)
    return out


def curvature(theta: Array, lowered: Lowered) -> Array:
    """Return the same for rows of parameters.

    Parameters
    ----------
    theta : (trajectories, p) array
        In the study's precision.
    lowered : Lowered

    Returns
    -------
    (trajectories, 3) array
        NaN where the parameters are not finite.

    Examples
    --------
    >>> from fastsde.problem.data import build_problem
    >>> from fastsde.integrate.lowering import lower
    >>> from fastsde.study.study import Study
    >>> study = Study.from_mapping({
    ...     "trajectories": 1,
    ...     "network": {"widths": [2, 3, 2], "init": {"std": 0.1}, "loss": "half"},
    ...     "data": {"samples": "population", "teacher": {"singular_values": [2.0, 1.0]}},
    ...     "time": {"learning_rate": 0.1, "steps": 100},
    ...     "models": {"sgd": {"kind": "sgd"}},
    ... })
    >>> origin = np.zeros((1, 12))
    >>> curvature(origin, lower(study, "sgd", build_problem(study)))[0, :2].round(6)
    array([-2.,  2.])
    """
    from fastsde.kernels.cpu import aligned, to_lanes
    from fastsde.kernels.lanes import lane_count

    known = np.asarray(np.isfinite(theta).all(axis=1))
    state = to_lanes(np.where(known[:, None], theta, 0))
    memory = aligned(lowered.network.size * lane_count(state.dtype), state.dtype)
    found = block_curvature(state, memory, lowered)[: len(theta)]
    return np.where(known[:, None], found, np.nan)
