"""Hazard of escape, and the ratio of the hazards of two groups (Cox)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import xlogy
from scipy.stats import chi2

from fastsde.analysis.confidence import WIDTH
from fastsde.analysis.escape.passages import Passages
from fastsde.analysis.escape.survival import Counts, count, moments_of
from fastsde.analysis.levels import INTERVAL
from fastsde.analysis.protocols import Floats

__all__ = ["Hazard", "HazardRatio", "hazard", "hazard_ratio"]


FLAT = 1e-6
"""Curvature of the likelihood below which it has no finite maximum: one group escapes before the other."""


@dataclass(frozen=True)
class Hazard:
    """Escapes per unit of time and of trajectories still there, constant between edges.

    Attributes
    ----------
    edge : ndarray, shape (bin + 1,)
    rate, low, high : ndarray, shape (bin,)
        With the exact 95 % interval of a Poisson count.
    """

    edge: Floats
    rate: Floats
    low: Floats
    high: Floats


@dataclass(frozen=True)
class HazardRatio:
    """Ratio of two hazards, with a 95 % interval and the p-value of their equality.

    NaN without escapes, and where all of one group come before any of the other: then it has no bound.
    """

    ratio: float
    low: float
    high: float
    p: float


def hazard(stays: Passages, edge: Floats) -> Hazard:
    """Escapes in each bin over the time spent in it by those at risk, with exact Poisson intervals.

    Parameters
    ----------
    stays : Passages
    edge : ndarray, shape (bin + 1,)
        Increasing; from 0 on. An escape at an edge ends in it, as its time at risk does.

    Examples
    --------
    >>> stays = Passages(np.array([1.0, 3.0]), np.array([True, True]), np.array([False, False]))
    >>> hazard(stays, np.array([0.0, 2.0, 4.0])).rate.tolist()
    [0.3333333333333333, 1.0]
    """
    time = np.sort(stays.time)
    total = np.concatenate([[0.0], np.cumsum(time)])
    within = np.searchsorted(time, edge, side="right")
    spent = np.diff(total[within] + edge * (len(time) - within))  # of min(time, edge)
    place = np.searchsorted(np.sort(stays.time[stays.escaped]), edge, side="right")
    place[0] = 0
    events = np.diff(place).astype(np.float64)
    safe = np.where(spent > 0, spent, np.nan)
    low = np.where(events > 0, chi2.ppf(INTERVAL[0], 2 * np.maximum(events, 0.5)) / 2, 0.0)
    return Hazard(edge, events / safe, low / safe, chi2.ppf(INTERVAL[1], 2 * events + 2) / 2 / safe)


def hazard_ratio(first: Passages, second: Passages) -> HazardRatio:
    """Hazard of the first group over that of the second, by Cox's partial likelihood.

    One covariate, ties after Breslow (1974); the interval is Wald's on the logarithm, p that of the
    likelihood ratio. It supposes that the ratio is the same at all times; where curves cross it is a mean.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> yes, no = np.ones(2000, bool), np.zeros(2000, bool)
    >>> found = hazard_ratio(Passages(rng.exponential(1, 2000), yes, no),
    ...                      Passages(rng.exponential(2, 2000), yes, no))
    >>> found.low < 2 < found.high
    True
    """
    time = moments_of(first, second)
    return _ratio(count(first, time), count(second, time))


def _ratio(first: Counts, second: Counts) -> HazardRatio:
    one, other = first.at_risk, second.at_risk
    deaths, mine = first.escaped + second.escaped, first.escaped.sum()
    if mine == 0 or mine == deaths.sum():
        return HazardRatio(math.nan, math.nan, math.nan, math.nan)
    known = deaths > 0
    one, other, deaths = one[known], other[known], deaths[known]

    def likelihood(beta: float) -> float:
        return float(beta * mine - np.sum(xlogy(deaths, other + one * math.exp(beta))))

    beta = 0.0
    for _ in range(50):
        share = one * math.exp(beta) / (other + one * math.exp(beta))
        slope, bend = mine - np.sum(deaths * share), float(np.sum(deaths * share * (1 - share)))
        if bend < FLAT:
            return HazardRatio(math.nan, math.nan, math.nan, math.nan)
        change = float(np.clip(slope / bend, -2.0, 2.0))
        beta += change
        if abs(change) < 1e-10:
            break
    width = WIDTH / math.sqrt(bend)
    p = float(chi2.sf(max(0.0, 2 * (likelihood(beta) - likelihood(0.0))), 1))
    return HazardRatio(math.exp(beta), math.exp(beta - width), math.exp(beta + width), p)
