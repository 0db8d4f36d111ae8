"""Kaplan-Meier curves with their bands and medians, and the log-rank test."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass

import numpy as np
from scipy.stats import CensoredData, logrank

from fastsde.analysis.confidence import WIDTH
from fastsde.analysis.escape.passages import Passages
from fastsde.analysis.escape.survival import count, survival
from fastsde.analysis.protocols import Floats

__all__ = ["Curve", "kaplan_meier", "logrank_p"]


@dataclass(frozen=True)
class Curve:
    """A Kaplan-Meier curve read on a grid, its pointwise 95 % band, and its median with an interval.

    Attributes
    ----------
    survival, low, high : ndarray, shape (grid,)
        Probability that the event has not happened by then.
    median, median_low, median_high : float
        First time at which survival is at most one half, of the curve and of the band; infinite if never.
    """

    survival: Floats
    low: Floats
    high: Floats
    median: float
    median_low: float
    median_high: float


def kaplan_meier(stays: Passages, grid: Floats) -> Curve:
    """Kaplan-Meier estimate S(t) = prod_{t_i <= t} (1 - d_i / n_i), with the log-log Greenwood band.

    Parameters
    ----------
    stays : Passages
        All that do not end by a passage count as censored.
    grid : ndarray, shape (grid,)
        Where to read the curve.

    Returns
    -------
    Curve

    Notes
    -----
    Kaplan and Meier (1958); the interval of the median is that of Brookmeyer and Crowley (1982). Where
    Greenwood's formula has no value (survival 1 or 0) the band is the curve itself.

    Examples
    --------
    >>> yes, no = np.array([True, True, False]), np.zeros(3, bool)
    >>> curve = kaplan_meier(Passages(np.array([1.0, 2.0, 3.0]), yes, no), grid=np.array([2.5]))
    >>> round(float(curve.survival[0]), 3), curve.median
    (0.333, 2.0)
    """
    if not stays.escaped.any():
        ones = np.ones(len(grid))
        return Curve(ones, ones, ones, math.inf, math.inf, math.inf)
    counts = count(stays, np.unique(stays.time))
    left, risk, ends = survival(counts), counts.at_risk, counts.escaped
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.sqrt(np.cumsum(ends / (risk * (risk - ends))))
        width = np.exp(WIDTH * error / np.log(left))  # at most 1, since log S < 0
        band = [np.where((left > 0) & (left < 1), left**power, left) for power in (1 / width, width)]
    lines = (left, *band)
    place = np.searchsorted(counts.time, grid, side="right")
    survived, low, high = (np.concatenate([[1.0], line])[place] for line in lines)
    median, median_low, median_high = (_half(counts.time, line) for line in lines)
    return Curve(survived, low, high, median, median_low, median_high)


def _half(steps: Floats, probabilities: Floats) -> float:
    below = np.flatnonzero(probabilities <= 0.5 + 1e-9)
    return float(steps[below[0]]) if below.size else math.inf


def logrank_p(first: Passages, second: Passages) -> float:
    """p-value of the log-rank test that two groups pass at the same times; NaN if neither ever does.

    Examples
    --------
    >>> same = Passages(np.arange(1.0, 9.0), np.ones(8, bool), np.zeros(8, bool))
    >>> logrank_p(same, same)
    1.0
    """
    if not (first.escaped.any() or second.escaped.any()):
        return math.nan
    data = [CensoredData.right_censored(one.time, ~one.escaped) for one in (first, second)]
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore", RuntimeWarning)
        return float(logrank(*data).pvalue)
