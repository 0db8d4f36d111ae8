"""A distance from the reference at every snapshot, beside its null quantile at this sample size."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from fastsde.analysis.distances.jackknife import jackknife_reach
from fastsde.analysis.distances.tested import over_null, p_value
from fastsde.analysis.levels import NULL_QUANTILE, SIGNIFICANCE
from fastsde.analysis.protocols import Bools, Floats


@dataclass(frozen=True)
class DistanceOverTime:
    """One model's distance from the reference, at each snapshot and over the whole run.

    Attributes
    ----------
    value : ndarray, shape (snapshot,)
        The distance; NaN where it does not exist or too few trajectories survive.
    null : ndarray, shape (snapshot,)
        95 % quantile of the distance when trajectories are permuted between the samples: a value below
        it is not distinguishable from the reference at this snapshot and sample size.
    null_mean : ndarray, shape (snapshot,)
        Mean of the distance under permutations: its bias at this sample size.
    p_value : ndarray, shape (snapshot,)
        Share of permutations with a distance at least as large, the observed one counted among them.
    count : ndarray, shape (snapshot,)
        Trajectories per sample.
    mean, mean_null, mean_p : float
        The mean over time after the first snapshot, its null quantile and p-value: over the logarithm of
        time where snapshots are spread over decades, so that however they crowd, at the end or elsewhere,
        every decade counts the same.
    left_out : ndarray, shape (group,)
        The mean without each group of trajectories, for the standard error of it and of differences between
        models (`fastsde.analysis.distances.jackknife.closer`); empty for most distances.
    peak, peak_p : float
        The largest ratio of value to null over snapshots after the first, and its p-value: valid although
        the largest of many is taken.
    peak_snapshot : int
        Where it is; -1 if there is none.
    reason : str
        Why the distance does not exist at some snapshot; empty if it does at all of them.
    """

    value: Floats
    null: Floats
    null_mean: Floats
    p_value: Floats
    count: Floats
    mean: float
    mean_null: float
    mean_p: float
    left_out: Floats
    peak: float
    peak_p: float
    peak_snapshot: int
    reason: str

    @property
    def ratio(self) -> Floats:
        """Distance over its null quantile; above 1 is outside the band."""
        return over_null(self.value, self.null)

    @property
    def mean_ratio(self) -> float:
        """The mean distance over its null quantile."""
        return self.mean / self.mean_null if self.mean_null > 0 else math.nan

    @property
    def mean_interval(self) -> tuple[float, float]:
        """Interval of 95 % of the mean, by the jackknife; NaN if no groups were left out."""
        reach = jackknife_reach(self.left_out)
        return self.mean - reach, self.mean + reach

    @property
    def share_outside(self) -> float:
        """Share of snapshots after the first whose value lies outside the band; 5 % between equal laws."""
        later = np.isfinite(self.value[1:])
        outside = (self.value > self.null)[1:][later]
        return float(outside.mean()) if outside.size else math.nan

    @property
    def distinguishable(self) -> bool:
        """Whether the mean or the peak is significant at 5 %, allowing for having looked at both."""
        return min(self.mean_p, self.peak_p) < SIGNIFICANCE / 2


def over_time(
    relabelled: Floats,
    count: Floats,
    reason: str = "",
    weight: Floats | None = None,
    left_out: Floats | None = None,
) -> DistanceOverTime:
    """Reduce a distance under the observed and the permuted labels to values, band and p-values.

    Parameters
    ----------
    relabelled : ndarray, shape (snapshot, 1 + permutation)
        The observed distance in column 0, then those under permuted labels, the same permutation in a column
        throughout; rows of NaN where there is none.
    count : ndarray, shape (snapshot,)
        Trajectories per sample.
    reason : str
        Why some rows have none.
    weight : ndarray, shape (snapshot,), optional
        Of each snapshot in the mean, from `fastsde.analysis.law.time_weights`; equal by default.
    left_out : ndarray, shape (snapshot, group), optional
        The distance without each group of trajectories.

    Returns
    -------
    DistanceOverTime

    Notes
    -----
    p = (1 + permutations at least as large) / (1 + permutations) is exact for exchangeable trajectories
    (Phipson and Smyth 2010). The mean of a row over time is permuted as a whole, so its null law is exact
    too; the peak is studentised by the null quantile of each snapshot.

    Examples
    --------
    >>> permuted = np.random.default_rng(0).random((3, 99))
    >>> far = over_time(np.column_stack([np.full(3, 5.0), permuted]), np.full(3, 20.0))
    >>> far.mean_p, far.peak_p, far.distinguishable, far.share_outside
    (0.01, 0.01, True, 1.0)
    """
    null = _upper_quantile(relabelled[:, 1:])
    scale = np.where(null > 0, null, np.nan)[:, None]
    later: Bools = np.asarray(np.isfinite(relabelled).all(axis=1))
    later[0] = False
    weights = np.where(later, 1.0 if weight is None else weight, 0.0)
    means = np.full(relabelled.shape[1], np.nan)
    jackknife = np.empty(0)
    if weights.sum() > 0:
        means = weights[later] @ relabelled[later] / weights.sum()
        jackknife = jackknife if left_out is None else weights[later] @ left_out[later] / weights.sum()
    ratios = np.where(later[:, None], relabelled / scale, np.nan)
    peaks = np.where(np.isfinite(ratios), ratios, -np.inf).max(axis=0)
    exists = bool(np.isfinite(peaks[0]))
    return DistanceOverTime(
        value=relabelled[:, 0],
        null=null,
        null_mean=relabelled[:, 1:].mean(axis=1),
        p_value=np.array([p_value(row) for row in relabelled]),
        count=count,
        mean=float(means[0]),
        mean_null=float(_upper_quantile(means[None, 1:])[0]),
        mean_p=p_value(means),
        left_out=jackknife,
        peak=float(peaks[0]) if exists else math.nan,
        peak_p=p_value(peaks) if exists else math.nan,
        peak_snapshot=int(np.nanargmax(ratios[:, 0])) if exists else -1,
        reason=reason,
    )


def _upper_quantile(rows: Floats) -> Floats:
    result = np.full(len(rows), np.nan)
    whole = np.isfinite(rows).all(axis=1)
    if whole.any():
        result[whole] = np.quantile(rows[whole], NULL_QUANTILE, axis=1)
    return result
