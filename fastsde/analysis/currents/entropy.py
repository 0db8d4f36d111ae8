"""Entropy production of a stationary process by its linear correlations, and a lower bound of it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from fastsde.analysis.confidence import Interval
from fastsde.analysis.currents.lagged import LaggedMoments
from fastsde.analysis.currents.linear_process import from_lag
from fastsde.analysis.levels import INTERVAL
from fastsde.analysis.protocols import Floats

LEAST_CORRELATION = 0.2
"""Eigenvalues of the propagator between snapshots below this are not resolved: the spacing is too wide."""


@dataclass(frozen=True)
class EntropyProduction:
    """Entropy production rate of the coordinates, per unit of time.

    Attributes
    ----------
    plain : float
        Plug-in estimate ``tr(Q^T D^-1 Q S^-1)``: too large by the noise in Q, even in detailed balance.
    bias : float
        Its mean over time-reversed surrogates, where it should be zero.
    corrected : Interval
        ``plain - bias``, with the interval of a bootstrap over groups of trajectories.
    p_value : float
        Share of surrogates with a plug-in estimate as large.
    """

    plain: float
    bias: float
    corrected: Interval
    p_value: float


def entropy_production(
    moments: LaggedMoments, lag: float, surrogates: int, seed: int
) -> EntropyProduction | None:
    """Estimate the entropy production rate; None where the correlations do not reach over the lag.

    Parameters
    ----------
    moments : LaggedMoments
    lag : float
        Time between snapshots.
    surrogates : int
        Number of time-reversed surrogates, and of bootstrap samples.
    seed : int

    Notes
    -----
    Of the coordinates only: what is projected out can only lower it. The bias of a sample of N independent
    pairs is of order ``d (d - 1) / (N lag)``. A bootstrap adds the bias once more; it is taken off twice.
    """
    plain = _rate(*moments.moments(), lag)
    if not math.isfinite(plain):
        return None  # as where too few of the resampled processes are stable, below
    random = np.random.Generator(np.random.Philox(seed))
    groups = moments.groups
    flips = random.choice([-1.0, 1.0], (surrogates, groups))
    null = np.array([_rate(*moments.moments(flips=row), lag) for row in flips])
    weights = random.multinomial(groups, np.full(groups, 1 / groups), surrogates).astype(np.float64)
    resampled = np.array([_rate(*moments.moments(weights=row), lag) for row in weights])
    resampled = resampled[np.isfinite(resampled)]
    if len(resampled) < surrogates / 2:
        return None
    bias = float(np.nanmean(null))
    corrected = plain - bias
    low, high = np.quantile(resampled, INTERVAL) - 2 * bias
    p_value = (1 + np.sum(~(null < plain))) / (1 + surrogates)
    ends = (corrected, min(low, corrected), max(high, corrected))
    interval = Interval(*(np.asarray(end, dtype=np.float64) for end in ends))
    return EntropyProduction(plain, bias, interval, float(p_value))


def uncertainty_bound(rates: Floats, duration: float) -> float:
    """Lower bound ``e >= 2 <J>^2 / (t Var J)`` of the entropy production rate, J the area swept in a time t.

    Barato and Seifert (2015), Gingrich et al. (2016). The square of the mean is taken without its bias.

    Parameters
    ----------
    rates : ndarray, shape (trajectory,)
        Area rate of each trajectory over the time, or of means of equally many of them, scaled to one.
    duration : float
        The time t.

    Examples
    --------
    >>> round(uncertainty_bound(np.array([0.9, 1.1, 1.0, 1.2, 0.8]), 10.0), 3)
    7.96
    """
    variance = float(np.var(rates, ddof=1))
    if not variance > 0:
        return math.nan
    square = max(0.0, float(np.mean(rates)) ** 2 - variance / len(rates))
    return 2 * square / (duration * variance)


def _rate(covariance: Floats, lagged: Floats, lag: float) -> float:
    process = from_lag(covariance, lagged, lag, LEAST_CORRELATION)
    return math.nan if process is None else process.entropy_production
