"""The stable index of noise in units of a scale that lasts: from differences of logarithms in time."""

from __future__ import annotations

import math

import numpy as np

from fastsde.analysis.levels import CONFIDENCE
from fastsde.analysis.protocols import Floats
from fastsde.analysis.tails.estimators.log_moment import index_of_variance
from fastsde.analysis.tails.tail_estimate import SMALLEST_SAMPLE, UNKNOWN, TailEstimate, quantile_of_level


def estimate(rows: Floats, level: float = CONFIDENCE) -> TailEstimate:
    """Log-moment index of X / s when X_t = s Z_t with a scale s that lasts from one row to the next.

    ln|X_{t+1}| - ln|X_t| has no s in it, and twice the variance of ln|Z|. Trajectories at different saddles
    have noise of different scale, and the mixture looks heavy-tailed; this looks through it without knowing
    the scales. Where they change between rows the index comes out too low, never too high, so that an index
    of 2 says that nothing but scale makes the tail.

    Parameters
    ----------
    rows : ndarray, shape (time, trajectory)
        Independent draws along each column, of one projection; NaN and zero are left out.
    level : float
        Coverage of the interval.

    Returns
    -------
    TailEstimate
        The standard error takes trajectories as the unit. NaN for fewer than 100 pairs.

    Notes
    -----
    As `fastsde.analysis.tails.estimators.log_moment`; it assumes that Z is symmetric stable, of any index up
    to 2.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> scale = rng.lognormal(0.0, 1.5, 4000)
    >>> found = estimate(scale * rng.standard_normal((4, 4000)))
    >>> found.low < 2.0 < found.high
    True
    """
    magnitude = np.abs(rows)
    logs = np.log(np.where(magnitude > 0, magnitude, np.nan))
    steps = np.diff(logs, axis=0)
    known = np.isfinite(steps)
    count = int(known.sum())
    if count < SMALLEST_SAMPLE:
        return UNKNOWN
    middle = (
        np.where(known, steps, 0.0).sum(axis=1, keepdims=True) / np.maximum(known.sum(axis=1), 1)[:, None]
    )
    squares = np.where(known, (steps - middle) ** 2, 0.0)
    variance = float(squares.sum()) / count
    scores = np.where(known, squares - variance, 0.0).sum(axis=0)
    reach = quantile_of_level(level) * math.sqrt(float(np.sum(scores**2))) / count
    low, high = (index_of_variance((variance + sign * reach) / 2) for sign in (1, -1))
    return TailEstimate(index_of_variance(variance / 2), low, high, count)
