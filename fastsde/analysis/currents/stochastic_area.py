"""The stochastic area, the part of the probability current that can be measured without a model.

``alpha_ij = <x_i dx_j - x_j dx_i> / 2 dt``, half the angular momentum: zero for every pair of coordinates if
and, for a linear process, only if there is detailed balance. Ghanta, Neu and Teitsworth (2017).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fastsde.analysis.currents.lagged import LaggedMoments
from fastsde.analysis.protocols import Floats


@dataclass(frozen=True)
class Area:
    """Mean area rates of all pairs of coordinates.

    Attributes
    ----------
    rate, error : ndarray, shape (d, d)
        Antisymmetric; per unit of time; standard error over groups of trajectories.
    largest : float
        Largest ``|rate / error|`` over pairs.
    p_value : float
        Share of time-reversed surrogates whose largest one is as large: one test for all pairs together.
    """

    rate: Floats
    error: Floats
    largest: float
    p_value: float


def areas(moments: LaggedMoments, lag: float, surrogates: int, seed: int) -> Area:
    """Area rates ``(C_1^T - C_1) / (2 lag)``: unbiased for the chords between snapshots.

    Parameters
    ----------
    moments : LaggedMoments
    lag : float
        Time between the snapshots; against the area of the path itself the chords fall short by a share of
        the order of (lag x fastest rate) squared, and of (lag x rate) for an Euler chain.
    surrogates : int
        In each, the time of every group of trajectories is turned round or not by a fair coin.
    seed : int

    Examples
    --------
    >>> random, moments = np.random.default_rng(0), LaggedMoments(500, 2)
    >>> x = random.standard_normal((500, 2))
    >>> moments.add(x, 0.9 * x @ np.array([[1.0, 0.1], [-0.1, 1.0]]))
    >>> turning = areas(moments, 1.0, 99, 0)
    >>> round(float(turning.rate[0, 1]), 2), turning.p_value
    (0.09, 0.01)
    """
    each = _antisymmetric(moments.lagged) / (moments.count[:, None, None] * lag)
    weight = moments.count / moments.count.sum()
    rate = np.tensordot(weight, each, 1)
    squares = np.tensordot(weight**2, (each - rate) ** 2, 1)
    groups = moments.groups
    error = np.sqrt(squares * groups / max(1, groups - 1))
    safe = np.where(error > 0, error, np.inf)
    observed = float(np.max(np.abs(rate / safe)))
    random = np.random.Generator(np.random.Philox(seed))
    flips = random.choice([-1.0, 1.0], (surrogates, groups))
    null = np.abs(np.tensordot(flips * weight, each, 1) / safe).max(axis=(1, 2))
    p_value = (1 + np.sum(null >= observed)) / (1 + surrogates)
    return Area(rate, error, observed, float(p_value))


def _antisymmetric(lagged: Floats) -> Floats:
    return np.asarray((lagged.transpose(0, 2, 1) - lagged) / 2)
