"""All tail estimates of a sample side by side, and what they say together."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fastsde.analysis.protocols import Bools, Floats, Integers
from fastsde.analysis.records import stack
from fastsde.analysis.tails import (
    group_moment,
    hill,
    log_moment,
    moment_tail,
    pickands,
    quantile_fit,
    reduced_bias,
    stability,
)
from fastsde.analysis.tails.dependence import design_effect, size_scores, tail_scores
from fastsde.analysis.tails.tail_estimate import SMALLEST_SAMPLE, UNKNOWN, TailEstimate
from fastsde.analysis.tails.verdict import FREE, STABLE, disagreement, judged_by_scale, verdict

ESTIMATORS = ("hill", *FREE, *STABLE)
"""Names of the estimators: Hill's, those that assume a power tail, those that assume a stable law."""


@dataclass(frozen=True)
class Indices:
    """Tail indices by one estimator, of every column of a sample.

    Attributes
    ----------
    index, low, high : ndarray, shape (column,)
        The estimate and its 95 % interval; infinite for no power law, NaN for nothing to estimate.
    k : ndarray, shape (column,)
        Values behind it.
    """

    index: Floats
    low: Floats
    high: Floats
    k: Floats

    def columns(self) -> list[TailEstimate]:
        """Return the estimates one by one."""
        rows = zip(self.index, self.low, self.high, self.k, strict=True)
        return [TailEstimate(float(index), float(low), float(high), int(k)) for index, low, high, k in rows]


@dataclass(frozen=True)
class TailReport:
    """Tail estimates of the columns of a sample, in units of each row's own scale where that is known.

    Attributes
    ----------
    count : ndarray, shape (column,)
        Finite values.
    estimates : dict of str to Indices
        By estimator: see `ESTIMATORS`.
    sums : Indices
        Stable index of sums of 1, 4 and 16 values, arrays of shape (sum, column).
    design_effect : ndarray, shape (column,)
        Factor by which dependence within units inflates the variance of Hill's estimate.
    disagreement : ndarray, shape (column,)
        Widest gap between the intervals of two estimators (`fastsde.analysis.tails.verdict.disagreement`).
    verdict : tuple of str
        For each column a key of `fastsde.analysis.tails.verdict.MEANING`.
    raw : TailReport or None
        The same of the values as they are; None where no scale is known.
    """

    count: Floats
    estimates: dict[str, Indices]
    sums: Indices
    design_effect: Floats
    disagreement: Floats
    verdict: tuple[str, ...]
    raw: TailReport | None = None


@dataclass(frozen=True)
class _Column:
    """Estimates of one column."""

    count: int
    estimates: dict[str, TailEstimate]
    sums: list[TailEstimate]
    design: float


def tail_report(
    sample: Floats,
    scale: Floats | None = None,
    unit: Integers | None = None,
    *,
    centre: bool = False,
    level: float = 0.95,
) -> TailReport:
    """Estimate the tail of each column of a sample in every way, and judge.

    Parameters
    ----------
    sample : ndarray, shape (n, column)
        One row a draw: a step, a trajectory. Columns are projections, each judged alone, never pooled:
        the coordinates of one step of elliptical noise share their scale, and pooled they hide its tail.
        Rows beside one another should be independent, for they are added up.
    scale : ndarray, shape (n,) or (n, column), optional
        Scale of each row, or of each value, as known otherwise: the root of the trace of the row's noise
        covariance, or the root of its variance along the projection. With it, a heavy tail of the values
        that is gone in units of the scale is told as a mixture. What has no positive scale is left out.
    unit : ndarray of int, shape (n,), optional
        Which trajectory, from 0, each row is of. Intervals are widened by the design effect: by that of
        Hill's scores for estimators of the tail, by that of the squared logarithms for those of the bulk.
    centre : bool
        Subtract each column's median first.
    level : float
        Coverage of the intervals.

    Returns
    -------
    TailReport

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> scale = rng.lognormal(0.0, 1.0, 20_000)
    >>> mixed = scale[:, None] * rng.standard_normal((20_000, 1))
    >>> tail_report(mixed).verdict, tail_report(mixed, scale).verdict
    (('power',), ('mixture',))
    >>> tail_report(rng.standard_cauchy((20_000, 1))).verdict
    ('stable',)
    """
    values = np.asarray(sample, dtype=np.float64)
    if scale is None:
        return _report([_column(column, unit, centre, level) for column in values.T])
    units = positive_scale(scale)
    own = tail_report(values / units, None, unit, centre=centre, level=level)
    raw = tail_report(np.where(np.isnan(units), np.nan, values), None, unit, centre=centre, level=level)
    judged = tuple(judged_by_scale(*pair) for pair in zip(raw.verdict, own.verdict, strict=True))
    return dataclasses.replace(own, verdict=judged, raw=raw)


def side_by_side(reports: Sequence[TailReport]) -> TailReport:
    """Put the columns of several reports beside one another; raw values only where all reports have them.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> pair = [tail_report(rng.standard_normal((5000, 1))), tail_report(rng.standard_cauchy((5000, 1)))]
    >>> side_by_side(pair).verdict
    ('light', 'stable')
    """

    def beside(parts: Sequence[Indices]) -> Indices:
        names = [field.name for field in dataclasses.fields(Indices)]
        return Indices(*(np.concatenate([getattr(part, name) for part in parts], axis=-1) for name in names))

    raw = [report.raw for report in reports if report.raw is not None]
    return TailReport(
        count=np.concatenate([report.count for report in reports]),
        estimates={name: beside([report.estimates[name] for report in reports]) for name in ESTIMATORS},
        sums=beside([report.sums for report in reports]),
        design_effect=np.concatenate([report.design_effect for report in reports]),
        disagreement=np.concatenate([report.disagreement for report in reports]),
        verdict=tuple(word for report in reports for word in report.verdict),
        raw=side_by_side(raw) if raw and len(raw) == len(reports) else None,
    )


def positive_scale(scale: Floats) -> Floats:
    """Return scales as a column or matrix, NaN where they are not positive."""
    units = np.asarray(scale, dtype=np.float64)
    units = units[:, None] if units.ndim == 1 else units
    return np.where(units > 0, units, np.nan)


def _column(values: Floats, unit: Integers | None, centre: bool, level: float) -> _Column:
    finite: Bools = np.asarray(np.isfinite(values))
    x = values[finite]
    group = None if unit is None else unit[finite]
    if centre and x.size:
        x = x - np.median(x)
    if x.size < SMALLEST_SAMPLE:
        return _Column(x.size, dict.fromkeys(ESTIMATORS, UNKNOWN), [UNKNOWN] * len(stability.SUMS), 1.0)
    first = hill.estimate(x, level)
    tail = design_effect(tail_scores(x, max(1, first.k)), group)
    bulk = design_effect(size_scores(x), group)
    sums = stability.indices_of_sums(x, level, bulk)
    estimates = {
        "hill": hill.estimate(x, level, first.k or None, tail),
        "reduced_bias_hill": reduced_bias.estimate(x, level=level, design=tail),
        "moment": moment_tail.estimate(x, level=level, design=tail),
        "pickands": pickands.estimate(x, level=level, design=tail),
        "log_moment": log_moment.estimate(x, level, bulk),
        "group": group_moment.estimate(x, level=level, design=bulk),
        "characteristic": sums[0],
        "quantile": quantile_fit.estimate(x, level, bulk),
    }
    return _Column(x.size, estimates, sums, tail)


def _report(columns: list[_Column]) -> TailReport:
    by_sum = [indices([column.sums[place] for column in columns]) for place in range(len(stability.SUMS))]
    return TailReport(
        count=np.array([float(column.count) for column in columns]),
        estimates={name: indices([column.estimates[name] for column in columns]) for name in ESTIMATORS},
        sums=stack(by_sum),
        design_effect=np.array([column.design for column in columns]),
        disagreement=np.array([disagreement(column.estimates) for column in columns]),
        verdict=tuple(verdict(column.estimates, column.sums) for column in columns),
    )


def indices(found: list[TailEstimate]) -> Indices:
    """Gather estimates, one a column."""
    rows = np.array([(one.index, one.low, one.high, one.k) for one in found], dtype=np.float64)
    return Indices(*rows.reshape(-1, 4).T)
