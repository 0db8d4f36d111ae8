"""All tail estimates of a sample side by side, and the verdict of all of them."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fastsde.analysis.levels import CONFIDENCE
from fastsde.analysis.protocols import Bools, Floats, Integers
from fastsde.analysis.records import stack
from fastsde.analysis.tails import stability
from fastsde.analysis.tails.dependence import design_effect, size_scores, tail_scores
from fastsde.analysis.tails.estimators import hill
from fastsde.analysis.tails.estimators.characteristic import CHARACTERISTIC
from fastsde.analysis.tails.gaussian_null import FALSE_ALARMS, detectable_index, gaussian_test
from fastsde.analysis.tails.registry import ESTIMATORS
from fastsde.analysis.tails.tail_estimate import ONE_STEP, SMALLEST_SAMPLE, UNKNOWN, TailEstimate
from fastsde.analysis.tails.verdict import disagreement, judged_by_scale, verdict


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
        By estimator: see `fastsde.analysis.tails.registry`.
    sums : Indices
        Stable index of sums of 1, 4 and 16 values, arrays of shape (sum, column).
    design_effect : ndarray, shape (column,)
        Factor by which dependence within units inflates the variance of Hill's estimate.
    disagreement : ndarray, shape (column,)
        Widest gap between the intervals of two estimators (`fastsde.analysis.tails.verdict.disagreement`).
    gaussian_p : ndarray, shape (column,)
        Chance of so heavy a tail in a Gaussian sample of the same size and grouping
        (`fastsde.analysis.tails.gaussian_null`).
    significance : ndarray, shape (column,)
        Level below which that rejects a Gaussian law: `FALSE_ALARMS`, shared by the columns, and by the two
        looks where scales are known.
    detectable : ndarray, shape (column,)
        Largest stable index that is found in this many values with a power of 80 % or more; NaN if none.
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
    gaussian_p: Floats
    significance: Floats
    detectable: Floats
    verdict: tuple[str, ...]
    raw: TailReport | None = None


@dataclass(frozen=True)
class _Column:
    """Estimates of one column."""

    count: int
    estimates: dict[str, TailEstimate]
    sums: list[TailEstimate]
    design: float
    varies: bool
    gaussian_p: float
    detectable: float


def tail_report(
    sample: Floats,
    scale: Floats | None = None,
    unit: Integers | None = None,
    *,
    group: Integers | None = None,
    centre: bool = False,
    level: float = CONFIDENCE,
    false_alarms: float = FALSE_ALARMS,
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
        that is gone in units of the scale is called a mixture. What has no positive scale is left out.
    unit : ndarray of int, shape (n,), optional
        Which trajectory, from 0, each row is of. Intervals are widened by the design effect: by that of
        Hill's scores for estimators of the tail, by that of the squared logarithms for those of the bulk.
        For a single column say by it that rows are draws (``numpy.arange(n)``), not coordinates of a step.
    group : ndarray of int, shape (n,), optional
        Rows that share an unknown scale, such as those of a snapshot, from 0: differences of scale between
        groups do not count as a tail in the test against a Gaussian law.
    centre : bool
        Subtract each column's median first.
    level : float
        Coverage of the intervals.
    false_alarms : float
        Chance that any column of a Gaussian sample gets a verdict that claims a tail.

    Returns
    -------
    TailReport

    Raises
    ------
    ValueError
        If the sample has no columns, and so may be the coordinates of one step.

    Warns
    -----
    UserWarning
        If the sample may be the coordinates of one step: a single column without ``unit``.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> scale, rows = rng.lognormal(0.0, 1.0, 20_000), np.arange(20_000)
    >>> mixed = scale[:, None] * rng.standard_normal((20_000, 1))
    >>> tail_report(mixed, None, rows).verdict, tail_report(mixed, scale, rows).verdict
    (('power',), ('mixture',))
    >>> tail_report(rng.standard_cauchy((20_000, 1)), None, rows).verdict
    ('stable',)
    """
    values = np.asarray(sample, dtype=np.float64)
    _warn_of_one_step(values, unit)
    units = None if scale is None else positive_scale(scale)
    options = _Options(unit, group, centre, level, false_alarms / (1 if units is None else 2))
    if units is None:
        return _report(values, options)
    own = _report(values / units, options)
    raw = _report(np.where(np.isnan(units), np.nan, values), options)
    indices_of = (one.estimates[CHARACTERISTIC.name].columns() for one in (raw, own))
    judged = tuple(map(judged_by_scale, raw.verdict, own.verdict, *indices_of))
    return dataclasses.replace(own, verdict=judged, raw=raw)


def _warn_of_one_step(values: Floats, unit: Integers | None) -> None:
    """Refuse, or warn of, what may be the coordinates of one step."""
    if values.ndim != 2:
        raise ValueError(
            f"found a sample of shape {values.shape}, expected (n, column): one row per step or trajectory, "
            f"one column per projection. {ONE_STEP}"
        )
    if values.shape[1] == 1 and len(values) > 1 and unit is None:
        warnings.warn(
            f"found a single column of {len(values)} values without `unit`: if these are the coordinates of "
            f"one step, no verdict on them holds. {ONE_STEP} Fix: one row per step, one column per "
            "coordinate; or, for independent draws of one projection, unit=numpy.arange(n).",
            stacklevel=3,
        )


def side_by_side(reports: Sequence[TailReport]) -> TailReport:
    """Put the columns of several reports beside one another; raw values only where all reports have them.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> draws = rng.standard_normal((5000, 1)), rng.standard_cauchy((5000, 1))
    >>> side_by_side([tail_report(x, None, np.arange(5000)) for x in draws]).verdict
    ('light', 'stable')
    """

    def beside(parts: Sequence[Indices]) -> Indices:
        names = [field.name for field in dataclasses.fields(Indices)]
        return Indices(*(np.concatenate([getattr(part, name) for part in parts], axis=-1) for name in names))

    raw = [report.raw for report in reports if report.raw is not None]
    return TailReport(
        count=np.concatenate([report.count for report in reports]),
        estimates={
            name: beside([report.estimates[name] for report in reports]) for name in reports[0].estimates
        },
        sums=beside([report.sums for report in reports]),
        design_effect=np.concatenate([report.design_effect for report in reports]),
        disagreement=np.concatenate([report.disagreement for report in reports]),
        gaussian_p=np.concatenate([report.gaussian_p for report in reports]),
        significance=np.concatenate([report.significance for report in reports]),
        detectable=np.concatenate([report.detectable for report in reports]),
        verdict=tuple(word for report in reports for word in report.verdict),
        raw=side_by_side(raw) if raw and len(raw) == len(reports) else None,
    )


def positive_scale(scale: Floats) -> Floats:
    """Return scales as a column or matrix, NaN where they are not positive."""
    units = np.asarray(scale, dtype=np.float64)
    units = units[:, None] if units.ndim == 1 else units
    return np.where(units > 0, units, np.nan)


@dataclass(frozen=True)
class _Options:
    """How columns are judged; `significance` is that of all columns together."""

    unit: Integers | None
    group: Integers | None
    centre: bool
    level: float
    significance: float


def _column(values: Floats, options: _Options) -> _Column:
    finite: Bools = np.asarray(np.isfinite(values))
    x, level = values[finite], options.level
    unit, group = (None if one is None else one[finite] for one in (options.unit, options.group))
    if options.centre and x.size:
        x = x - np.median(x)
    bulk = design_effect(size_scores(x), unit)
    test = gaussian_test(x, group, bulk)
    judged = (bool(x.any()), test.p_value, detectable_index(test.effective))
    if x.size < SMALLEST_SAMPLE:
        unknown = dict.fromkeys(ESTIMATORS, UNKNOWN)
        return _Column(x.size, unknown, [UNKNOWN] * len(stability.SUMS), 1.0, *judged)
    first = hill.estimate(x, level)
    tail = design_effect(tail_scores(x, max(1, first.k)), unit)
    sums = stability.indices_of_sums(x, level, bulk)
    known = {
        hill.HILL.name: hill.estimate(x, level, first.k or None, tail),  # which spares the choice of k
        CHARACTERISTIC.name: sums[0],
    }
    estimates = {
        name: known[name] if name in known else estimator.of(x, level, tail, bulk)
        for name, estimator in ESTIMATORS.items()
    }
    return _Column(x.size, estimates, sums, tail, *judged)


def _report(values: Floats, options: _Options) -> TailReport:
    columns = [_column(column, options) for column in values.T]
    significance = options.significance / max(1, len(columns))
    by_sum = [indices([column.sums[place] for column in columns]) for place in range(len(stability.SUMS))]
    return TailReport(
        count=np.array([float(column.count) for column in columns]),
        estimates={name: indices([column.estimates[name] for column in columns]) for name in ESTIMATORS},
        sums=stack(by_sum),
        design_effect=np.array([column.design for column in columns]),
        disagreement=np.array([disagreement(column.estimates) for column in columns]),
        gaussian_p=np.array([column.gaussian_p for column in columns]),
        significance=np.full(len(columns), significance),
        detectable=np.array([column.detectable for column in columns]),
        verdict=tuple(_word(column, significance) for column in columns),
    )


def _word(column: _Column, significance: float) -> str:
    """Judge a column: "none" where nothing varies."""
    if not column.varies:
        return "none"
    return verdict(column.estimates, column.sums, column.gaussian_p < significance, column.detectable)


def indices(estimates: list[TailEstimate]) -> Indices:
    """Gather estimates, one per column."""
    rows = np.array([(one.index, one.low, one.high, one.k) for one in estimates], dtype=np.float64)
    return Indices(*rows.reshape(-1, 4).T)
