"""When each mode is learned: Kaplan-Meier curves, medians and the log-rank test, with censoring."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass

import numpy as np
from scipy.stats import CensoredData, ecdf, logrank

from fastsde.analysis.protocols import Bools, Floats


@dataclass(frozen=True)
class Times:
    """First-passage times of one event; where ``censored``, ``time`` is the last moment known."""

    time: Floats
    censored: Bools


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


@dataclass(frozen=True)
class Learning:
    """Learning times of every fraction and mode of one model.

    Attributes
    ----------
    fractions : ndarray, shape (fraction,)
        A mode is learned to a fraction f when u_a^T W v_a first reaches f times its strength.
    times : ndarray, shape (grid,)
        Grid of the curves, the same for all models of an analysis, in time units.
    survival, low, high : ndarray, shape (fraction, mode, grid)
        Kaplan-Meier curves and bands.
    median, median_low, median_high : ndarray, shape (fraction, mode)
        Medians; infinite where half is never reached.
    learned, censored, exploded : ndarray, shape (fraction, mode)
        How many trajectories learned the mode, reached the end without, exploded before.
    logrank_p : ndarray, shape (fraction, mode)
        p-value of the log-rank test against the reference; NaN for the reference itself.
    """

    fractions: Floats
    times: Floats
    survival: Floats
    low: Floats
    high: Floats
    median: Floats
    median_low: Floats
    median_high: Floats
    learned: Floats
    censored: Floats
    exploded: Floats
    logrank_p: Floats


def first_passages(passage: Floats, exploded: Floats, end: float) -> tuple[Times, int]:
    """Turn passage times into censored times; an explosion before the passage is a competing event.

    Parameters
    ----------
    passage : ndarray, shape (trajectory,)
        Passage times, NaN if never.
    exploded : ndarray, shape (trajectory,)
        Explosion times, NaN if never.
    end : float
        End of the run.

    Returns
    -------
    times : Times
        Trajectories without a passage leave the risk set at their explosion or at the end.
    competing : int
        How many exploded first. Where it is not zero, one minus the curve is the law of the learning time
        had nothing exploded and the two been independent, not the share that learned.

    Examples
    --------
    >>> nan = float("nan")
    >>> times, competing = first_passages(np.array([2.0, nan, nan]), np.array([nan, nan, 1.0]), end=9.0)
    >>> times.time.tolist(), times.censored.tolist(), competing
    ([2.0, 9.0, 1.0], [False, True, True], 1)
    """
    censored = np.isnan(passage)
    last = np.where(np.isnan(exploded), end, exploded)
    return Times(np.where(censored, last, passage), censored), int(np.sum(censored & ~np.isnan(exploded)))


def kaplan_meier(times: Times, grid: Floats) -> Curve:
    """Kaplan-Meier estimate S(t) = prod_{t_i <= t} (1 - d_i / n_i), with the log-log Greenwood band.

    Parameters
    ----------
    times : Times
        Passage and censoring times.
    grid : ndarray, shape (grid,)
        Where to read the curve.

    Returns
    -------
    Curve

    Notes
    -----
    Kaplan and Meier (1958); the interval of the median is that of Brookmeyer and Crowley (1982).

    Examples
    --------
    >>> times = Times(np.array([1.0, 2.0, 3.0]), np.array([False, False, True]))
    >>> curve = kaplan_meier(times, grid=np.array([2.5]))
    >>> round(float(curve.survival[0]), 3), curve.median
    (0.333, 2.0)
    """
    if times.censored.all():
        ones = np.ones(len(grid))
        return Curve(ones, ones, ones, math.inf, math.inf, math.inf)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore", RuntimeWarning)
        survival = ecdf(_censored(times)).sf
        band = survival.confidence_interval(0.95, method="log-log")
    quantiles = survival.quantiles
    low = _filled(band.low.probabilities, survival.probabilities)
    high = _filled(band.high.probabilities, survival.probabilities)
    return Curve(
        _read(quantiles, survival.probabilities, grid),
        _read(quantiles, low, grid),
        _read(quantiles, high, grid),
        _half(quantiles, survival.probabilities),
        _half(quantiles, low),
        _half(quantiles, high),
    )


def logrank_p(first: Times, second: Times) -> float:
    """p-value of the log-rank test that two groups learn at the same times; NaN if neither ever learns.

    Examples
    --------
    >>> same = Times(np.arange(1.0, 9.0), np.zeros(8, bool))
    >>> logrank_p(same, same)
    1.0
    """
    if first.censored.all() and second.censored.all():
        return math.nan
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore", RuntimeWarning)
        p_value = float(logrank(_censored(first), _censored(second)).pvalue)
    return p_value


def _censored(times: Times) -> CensoredData:
    return CensoredData.right_censored(times.time, times.censored)


def _filled(bound: Floats, survival: Floats) -> Floats:
    """Where Greenwood's formula has no value (survival 1 or 0) the band is the curve itself."""
    return np.where(np.isfinite(bound), bound, survival)


def _read(steps: Floats, probabilities: Floats, grid: Floats) -> Floats:
    """Read a right-continuous step function that is 1 before its first step."""
    return np.concatenate([[1.0], probabilities])[np.searchsorted(steps, grid, side="right")]


def _half(steps: Floats, probabilities: Floats) -> float:
    below = np.flatnonzero(probabilities <= 0.5)
    return float(steps[below[0]]) if below.size else math.inf


def learning(
    passage: Floats,
    exploded: Floats,
    fractions: Floats,
    grid: Floats,
    reference: tuple[Floats, Floats] | None = None,
) -> Learning:
    """Learning times of every fraction and mode.

    Parameters
    ----------
    passage : ndarray, shape (trajectory, fraction, mode)
        Passage times, NaN if never.
    exploded : ndarray, shape (trajectory,)
        Explosion times, NaN if never.
    fractions : ndarray, shape (fraction,)
    grid : ndarray, shape (grid,)
        Where the curves are read; its last point is the end of the run.
    reference : pair of ndarray, optional
        The reference's ``passage`` and ``exploded``, for the log-rank test.

    Returns
    -------
    Learning
    """
    end = float(grid[-1])
    shape = passage.shape[1:]
    table: dict[str, list[float]] = {name: [] for name in ("learned", "censored", "exploded", "logrank_p")}
    curves: list[Curve] = []
    for place in np.ndindex(*shape):
        times, competing = first_passages(passage[:, *place], exploded, end)
        curves.append(kaplan_meier(times, grid))
        table["learned"].append(float(np.sum(~times.censored)))
        table["exploded"].append(float(competing))
        table["censored"].append(float(np.sum(times.censored)) - competing)
        other = None if reference is None else first_passages(reference[0][:, *place], reference[1], end)[0]
        table["logrank_p"].append(math.nan if other is None else logrank_p(times, other))
    counts = {name: np.array(values).reshape(shape) for name, values in table.items()}
    medians = {
        name: np.array([getattr(curve, name) for curve in curves]).reshape(shape)
        for name in ("median", "median_low", "median_high")
    }
    lines = {
        name: np.array([getattr(curve, name) for curve in curves]).reshape(*shape, len(grid))
        for name in ("survival", "low", "high")
    }
    return Learning(fractions=fractions, times=grid, **lines, **medians, **counts)
