"""Whether those still there escape at a constant rate after their arrival, or a rising or falling one."""

from __future__ import annotations

import math

import numpy as np
from scipy.stats import f as fisher

from fastsde.analysis.confidence import WIDTH
from fastsde.analysis.escape.hazard import Hazard, HazardRatio
from fastsde.analysis.escape.passages import Passages
from fastsde.analysis.levels import INTERVAL

__all__ = ["COURSES", "course", "later_over_earlier", "other_course"]

COURSES = ("constant", "rises", "falls", "rises, then falls", "falls, then rises", "unknown")
"""What may be said of a hazard; "constant" if it is indistinguishable from that."""

FEWEST = 10
"""Escapes below which nothing is said."""


def later_over_earlier(stays: Passages) -> HazardRatio:
    """Rate of escape after the median escape over that before it, with a 95 % interval and p-value.

    Each rate is escapes over time at risk. If the hazard is constant on either side of the median escape the
    ratio is the true one times a value of Fisher's law, exactly if nothing is censored before the last escape
    (Epstein and Sobel 1953). NaN for fewer than ten escapes, or if half of them come at once.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> yes, no = np.ones(2000, bool), np.zeros(2000, bool)
    >>> later_over_earlier(Passages(rng.weibull(2.0, 2000), yes, no)).low > 2
    True
    >>> even = later_over_earlier(Passages(rng.exponential(1.0, 2000), yes, no))
    >>> even.low < 1 < even.high
    True
    """
    times = np.sort(stays.time[stays.escaped])
    nothing = HazardRatio(math.nan, math.nan, math.nan, math.nan)
    if len(times) < FEWEST:
        return nothing
    middle = float(times[(len(times) - 1) // 2])
    early, late = int(np.sum(times <= middle)), int(np.sum(times > middle))
    before = float(np.minimum(stays.time, middle).sum())
    after = float(np.maximum(stays.time - middle, 0.0).sum())
    if not (late and before > 0 and after > 0):
        return nothing
    ratio = (late / after) / (early / before)
    law = fisher(2 * early, 2 * late)
    p = 2 * min(float(law.sf(ratio)), float(law.cdf(ratio)))
    lower, upper = law.ppf(INTERVAL)
    return HazardRatio(ratio, ratio / float(upper), ratio / float(lower), min(p, 1.0))


def course(later: HazardRatio, binned: Hazard) -> str:
    """Say in words how a hazard continues after the arrival; one of `COURSES`.

    It turns if some bin's interval lies above those of both the first and the last bin, or below both; else
    it rises or falls if the interval of `later_over_earlier` does not hold 1.
    """
    known = np.isfinite(binned.rate)
    low, high = binned.low[known], binned.high[known]
    if not math.isfinite(later.ratio):
        return "unknown"
    if low.size > 2 and np.any((low > high[0]) & (low > high[-1])):
        return "rises, then falls"
    if low.size > 2 and np.any((high < low[0]) & (high < low[-1])):
        return "falls, then rises"
    return "rises" if later.low > 1 else "falls" if later.high < 1 else "constant"


def other_course(one: HazardRatio, reference: HazardRatio) -> bool:
    """Whether two ratios of later to earlier hazard differ at 5 %, by the normal law of their logarithms."""
    gap = math.log(one.ratio / reference.ratio)
    errors = [math.log(each.high / each.low) / (2 * WIDTH) for each in (one, reference)]
    return abs(gap) > WIDTH * math.hypot(*errors)
