"""Mean, covariance, skewness and kurtosis where they exist, and robust counterparts always."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fastsde.analysis.protocols import Bools, Floats, Integers
from fastsde.analysis.tails.dependence import design_effect
from fastsde.analysis.tails.estimators import hill

LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)
"""The quantiles kept for figures and robust summaries."""

REACH = 3.0
"""A sample with no value further from the median than this many times its scale denies no moment."""


@dataclass(frozen=True)
class Moments:
    """Moments of several quantities over trajectories; a leading snapshot axis once stacked.

    A moment that the law does not have, or that the sample's tail denies, is NaN: see `moments`.

    Attributes
    ----------
    count : ndarray, shape ()
        Trajectories that are finite.
    mean, skewness, kurtosis : ndarray, shape (quantity,)
        Kurtosis is the excess over the Gaussian's.
    covariance, covariance_error : ndarray, shape (quantity, quantity)
        With divisor n - 1; and its standard error, the root of (E[u_i^2 u_j^2] - c_ij^2) / n with u centred,
        where moments of order 4 exist. Trajectories that share states widen it (`moments`).
    correlation_error : ndarray, shape (quantity, quantity)
        Standard error of the correlation r_ij: the root of the mean square of u_i u_j - r_ij (u_i^2 +
        u_j^2) / 2, with u standardised, over n.
    median, deviation : ndarray, shape (quantity,)
        Median, and median absolute deviation from it (no factor 1.4826).
    quantile_skewness : ndarray, shape (quantity,)
        (q95 + q05 - 2 q50) / (q95 - q05), between -1 and 1.
    moors : ndarray, shape (quantity,)
        Moors' octile kurtosis; 1.233 for a Gaussian.
    quantiles : ndarray, shape (level, quantity)
        At `LEVELS`.
    tail_index, tail_high : ndarray, shape (quantity,)
        Hill's index of the distance from the median, and the upper end of its 95 % interval.
    denied : ndarray, shape (quantity,)
        Moments above this order are denied by the sample: ``tail_high``, or infinity: see `denied_order`.
    limit : ndarray, shape (quantity,)
        Moments exist below this order by the model's definition; infinite if it says nothing.
    """

    count: Floats
    mean: Floats
    covariance: Floats
    covariance_error: Floats
    correlation_error: Floats
    skewness: Floats
    kurtosis: Floats
    median: Floats
    deviation: Floats
    quantile_skewness: Floats
    moors: Floats
    quantiles: Floats
    tail_index: Floats
    tail_high: Floats
    denied: Floats
    limit: Floats


def moments(
    values: Floats, limit: Floats | None = None, scale: Floats | None = None, branches: int = 1
) -> Moments:
    """Moments of each column, gated by the tail index.

    A moment of order r is reported only if r lies below the declared ``limit`` and the sample does not deny
    it (`denied_order`). Otherwise it is NaN and the median, deviation and octile statistics take its place.

    Parameters
    ----------
    values : ndarray, shape (trajectory, quantity)
        Rows that are not finite (diverged trajectories) are left out and not counted.
    limit : ndarray, shape (quantity,), optional
        Order below which the model's law has moments.
    scale : ndarray, shape (quantity,), optional
        Natural size of each quantity; NaN where it has none.
    branches : int
        Number of consecutive trajectories that share a state: errors are wider by the root of their design
        effect.

    Returns
    -------
    Moments

    Examples
    --------
    >>> draws = np.random.default_rng(0).standard_cauchy((1000, 1))
    >>> heavy = moments(draws)
    >>> bool(np.isnan(heavy.covariance[0, 0])), abs(float(heavy.median[0])) < 0.2
    (True, True)
    """
    x = np.asarray(values, dtype=np.float64)
    there = np.isfinite(x).all(axis=1)
    unit = np.flatnonzero(there) // branches
    x = x[there]
    quantities = x.shape[1]
    limit = np.full(quantities, np.inf) if limit is None else np.asarray(limit, dtype=np.float64)
    if len(x) < 2:
        return _nothing(len(x), quantities, limit)
    octiles = np.quantile(x, np.arange(1, 8) / 8, axis=0)
    quantiles = np.quantile(x, LEVELS, axis=0)
    median = quantiles[2]
    tails = [hill.estimate(column) for column in (x - median).T]
    high = np.array([tail.high for tail in tails])
    mean, covariance, skewness, kurtosis = _power_moments(x)
    errors = _second_errors(x, unit if branches > 1 else None)
    denied = denied_order(x, median, high, scale)
    second, fourth = exists(2, limit, denied), exists(4, limit, denied)
    return Moments(
        count=np.array(float(len(x))),
        mean=np.where(exists(1, limit, denied), mean, np.nan),
        covariance=np.where(np.logical_and.outer(second, second), covariance, np.nan),
        covariance_error=np.where(np.logical_and.outer(fourth, fourth), errors[0], np.nan),
        correlation_error=np.where(np.logical_and.outer(fourth, fourth), errors[1], np.nan),
        skewness=np.where(exists(3, limit, denied), skewness, np.nan),
        kurtosis=np.where(fourth, kurtosis, np.nan),
        median=median,
        deviation=np.median(np.abs(x - median), axis=0),
        quantile_skewness=_ratio(quantiles[4] + quantiles[0] - 2 * median, quantiles[4] - quantiles[0]),
        moors=_ratio(octiles[6] - octiles[4] + octiles[2] - octiles[0], octiles[5] - octiles[1]),
        quantiles=quantiles,
        tail_index=np.array([tail.index for tail in tails]),
        tail_high=high,
        denied=denied,
        limit=limit,
    )


def denied_order(x: Floats, median: Floats, tail_high: Floats, scale: Floats | None = None) -> Floats:
    """Order of moments from which on the sample's tail denies them; infinite where it denies none.

    It is the upper end of Hill's 95 % interval, and needs values far from the median: a mode on its way up is
    spread over decades, and rounding over more of them, so that Hill's index is small although all values
    lie within `REACH` natural sizes. A sample of fewer than 100 values denies nothing.

    Parameters
    ----------
    x : ndarray, shape (trajectory, quantity)
        Finite values.
    median, tail_high : ndarray, shape (quantity,)
        Of the columns.
    scale : ndarray, shape (quantity,), optional
        As in `moments`.

    Examples
    --------
    >>> decades = np.geomspace(1e-6, 1, 400)[:, None]
    >>> high = np.array([hill.estimate(decades[:, 0]).high])
    >>> [denied_order(decades, np.array([1e-3]), high, np.array([s])).round(1).item() for s in (1, 1e-3)]
    [inf, 1.9]
    """
    far = np.ones(len(median), dtype=np.bool_)
    if scale is not None:
        furthest = np.max(np.abs(x - median), axis=0, initial=0.0)
        far = np.isnan(scale) | (furthest > REACH * scale)
    return np.asarray(np.where(far & ~np.isnan(tail_high), tail_high, np.inf))


def exists(order: int, limit: Floats, denied: Floats) -> Bools:
    """Whether a moment may be reported: below the declared limit, and not denied by the sample's tail."""
    return np.asarray((order < limit) & (order <= denied))


def _power_moments(x: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    with np.errstate(over="ignore", invalid="ignore"):
        mean = x.mean(axis=0)
        centred = x - mean
        covariance = centred.T @ centred / (len(x) - 1)
        squares = centred * centred
        variance = np.mean(squares, axis=0)
        skewness = _ratio(np.einsum("ij,ij->j", squares, centred) / len(x), variance**1.5)
        kurtosis = _ratio(np.einsum("ij,ij->j", squares, squares) / len(x), variance**2) - 3
    return mean, covariance, skewness, kurtosis


def _second_errors(x: Floats, unit: Integers | None) -> tuple[Floats, Floats]:
    """Return standard errors of covariances and correlations, from their influence functions."""
    sd = x.std(axis=0)
    with np.errstate(over="ignore", invalid="ignore"):
        u = (x - x.mean(axis=0)) / np.where(sd > 0, sd, np.nan)
        squares = u * u
        r, both, odd = (one / len(x) for one in (u.T @ u, squares.T @ squares, (squares * u).T @ u))
        fourth = np.diag(both)
        spread = both - r * (odd + odd.T) + r**2 / 4 * (np.add.outer(fourth, fourth) + 2 * both)
        variances = np.maximum([both - r**2, spread], 0.0) / len(x)
        if unit is not None:
            wide = np.sqrt([design_effect(column, unit) for column in u.T])
            variances = variances * np.outer(wide, wide)
        covariance, correlation = np.sqrt(variances)
        return covariance * np.outer(sd, sd), correlation


def _ratio(numerator: Floats, denominator: Floats) -> Floats:
    safe = np.where(denominator > 0, denominator, np.nan)
    return np.asarray(numerator / safe)


def _nothing(count: int, quantities: int, limit: Floats) -> Moments:
    empty = np.full(quantities, np.nan)
    square = np.full((quantities, quantities), np.nan)
    levels = np.full((len(LEVELS), quantities), np.nan)
    return Moments(
        np.array(float(count)),
        empty,
        square,
        square,
        square,
        empty,
        empty,
        empty,
        empty,
        empty,
        empty,
        levels,
        empty,
        empty,
        np.full(quantities, np.inf),
        limit,
    )
