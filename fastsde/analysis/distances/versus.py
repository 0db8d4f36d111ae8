"""Two models at one snapshot: every distance with its null band, coordinate by coordinate, divergences."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from fastsde.analysis.distances import wasserstein_1d
from fastsde.analysis.distances.distance import p_value
from fastsde.analysis.distances.existence import refusal
from fastsde.analysis.distances.metrics import (
    BY_NAME,
    METRICS,
    SMALLEST_SAMPLE,
    Compared,
    Frame,
    kl_both_ways,
    shuffles,
)
from fastsde.analysis.protocols import Bools, Floats


@dataclass(frozen=True)
class Tested:
    """A distance beside what chance gives; a leading snapshot axis once stacked.

    Attributes
    ----------
    value : ndarray, shape ()
        The distance; NaN where it does not exist or too few trajectories survive.
    null_mean, null : ndarray, shape ()
        Mean and 95 % quantile of the distance under shuffled labels: its bias at this sample size, and the
        value below which models are indistinguishable.
    p_value : ndarray, shape ()
        Share of shuffles with a distance at least as large, the observed one counted among them.
    count : ndarray, shape ()
        Trajectories of either sample.
    """

    value: Floats
    null_mean: Floats
    null: Floats
    p_value: Floats
    count: Floats

    @property
    def ratio(self) -> Floats:
        """Distance over its null quantile; above 1 is outside the band."""
        return np.asarray(self.value / np.where(self.null > 0, self.null, np.nan))

    @property
    def distinguishable(self) -> bool:
        """Whether some snapshot is significant at 5 %, allowing for their number."""
        known = self.p_value[np.isfinite(self.p_value)]
        return bool(known.size and known.min() * known.size < 0.05)


@dataclass(frozen=True)
class Coordinates:
    """Two models coordinate by coordinate; a leading snapshot axis once stacked.

    Attributes
    ----------
    w1, w1_null, w1_p : ndarray, shape (coordinate,)
        Wasserstein-1 distance, its null quantile and p-value; NaN where it does not exist.
    w2, w2_null, w2_p : ndarray, shape (coordinate,)
        Wasserstein-2 distance.
    mean, mean_error : ndarray, shape (coordinate,)
        Mean of the second less mean of the first, and its standard error (Welch).
    median : ndarray, shape (coordinate,)
        Median of the second less median of the first.
    """

    w1: Floats
    w1_null: Floats
    w1_p: Floats
    w2: Floats
    w2_null: Floats
    w2_p: Floats
    mean: Floats
    mean_error: Floats
    median: Floats


@dataclass(frozen=True)
class Divergences:
    """Kullback-Leibler divergences in nats on at most three principal axes, both ways.

    Attributes
    ----------
    neighbours : ndarray, shape (2,)
        Nearest-neighbour estimates of KL(first | second) and KL(second | first).
    gaussian : ndarray, shape (2,)
        Closed form for the fitted Gaussians; NaN where there is no variance.
    """

    neighbours: Floats
    gaussian: Floats


@dataclass(frozen=True)
class Pair:
    """All that was measured between two models; arrays have a leading snapshot axis once stacked.

    Attributes
    ----------
    tests : dict of str to Tested
        By name of the distance.
    reasons : dict of str to tuple of str
        Why a distance does not exist, snapshot by snapshot (empty where it does), by its name; distances that
        exist at all of them are left out.
    coordinates : Coordinates
    divergences : Divergences
    """

    tests: dict[str, Tested]
    reasons: dict[str, tuple[str, ...]]
    coordinates: Coordinates
    divergences: Divergences


def versus(first: Floats, second: Floats, orders: Mapping[str, float], frame: Frame) -> Pair:
    """Compare two independent samples of points by every distance.

    Parameters
    ----------
    first, second : ndarray, shape (n, coordinate)
        Points; exploded trajectories are not finite.
    orders : mapping of str to float
        Order up to which either model has moments, by name.
    frame : Frame
        Bandwidth, directions, frequencies and settings.

    Returns
    -------
    Pair
        Without a snapshot axis; the reasons are those of one snapshot.
    """
    reasons = {one.name: refusal(one, frame.settings, orders) for one in METRICS}
    survivors = surviving(first), surviving(second)
    tests = {}
    for metric in METRICS:
        whole = metric.exploded or frame.branches > 1  # trajectories of one state stay beside one another
        sides = (first, second) if whole else survivors
        size = min(map(len, sides))
        found = Compared(None, size)
        if not reasons[metric.name] and size:
            found = metric.compare(*sides, metric.labelling(size, frame), frame)
        tests[metric.name] = tested(found)
        reasons[metric.name] = reasons[metric.name] or _lacking(found)
    lowest = min(orders.values())
    sides = (first, second) if frame.branches > 1 else survivors
    return Pair(
        tests=tests,
        reasons={name: (reason,) for name, reason in reasons.items() if reason},
        coordinates=_coordinates(*sides, lowest, frame),
        divergences=_divergences(*sides, not reasons["gaussian_kl"], frame),
    )


def _lacking(found: Compared) -> str:
    """Say why a distance that exists for the laws has no number for the samples; empty if it has."""
    if found.values is None:
        return f"too few: {found.count} trajectories a side"
    return "" if np.isfinite(found.values).all() else "infinite: a sample does not spread in every direction"


def tested(found: Compared) -> Tested:
    """Reduce a distance under the observed and the shuffled labels to value, band and p-value.

    Examples
    --------
    >>> one = tested(Compared(np.array([5.0, 1.0, 2.0, 3.0]), 20))
    >>> float(one.value), float(one.null_mean), float(one.p_value)
    (5.0, 2.0, 0.25)
    """
    values, count = found.values, found.count
    if values is None or not np.isfinite(values).all():
        shown = math.nan if values is None else values[0]
        return Tested(*map(np.asarray, (shown, math.nan, math.nan, math.nan, float(count))))
    shuffled = values[1:]
    return Tested(
        value=np.asarray(values[0]),
        null_mean=np.asarray(shuffled.mean()),
        null=np.asarray(np.quantile(shuffled, 0.95)),
        p_value=np.asarray(p_value(values)),
        count=np.asarray(float(count)),
    )


def surviving(points: Floats) -> Floats:
    """Rows that are finite."""
    return np.asarray(points[finite(points)])


def finite(points: Floats) -> Bools:
    """Which rows are finite."""
    return np.asarray(np.isfinite(points).all(axis=1))


def unit_means(points: Floats, branches: int) -> Floats:
    """Means of the finite trajectories of each state, shape (state, coordinate); of states that have any.

    Examples
    --------
    >>> unit_means(np.array([[1.0], [3.0], [5.0], [np.nan]]), 2).tolist()
    [[2.0], [5.0]]
    """
    grouped = points[: len(points) // branches * branches].reshape(-1, branches, points.shape[1])
    there = np.isfinite(grouped).all(axis=2, keepdims=True)
    counted = there.sum(axis=1)
    sums = np.where(there, grouped, 0.0).sum(axis=1)
    return np.asarray(sums[counted[:, 0] > 0] / counted[counted[:, 0] > 0])


def _pooled(first: Floats, second: Floats, limit: int, frame: Frame) -> tuple[Floats, Bools] | None:
    """Equally many finite ones of either sample and their labellings; None if there are too few."""
    size = min(len(first), len(second), limit) // frame.branches * frame.branches
    relabelling = shuffles(size, frame.settings.permutations, frame.settings.seed, frame.branches)
    slots, labels = relabelling.at(finite(first[:size]), finite(second[:size]))
    if len(slots) < 2 * SMALLEST_SAMPLE:
        return None
    return np.concatenate([first[:size], second[:size]])[slots], labels


def _coordinates(first: Floats, second: Floats, order: float, frame: Frame) -> Coordinates:
    """Compare the coordinates one by one; of a logarithm all moments exist."""
    known = _pooled(first, second, BY_NAME["marginal_w1"].limit(frame.settings), frame)
    nothing = np.full(len(frame.coordinates), np.nan)
    if known is None:
        return Coordinates(*[nothing] * 9)
    orders = np.array([math.inf if name.startswith("log") else order for name in frame.coordinates])
    w1, w2 = (wasserstein_1d.relabelled(*known, power) for power in (1, 2))
    states = [unit_means(side, frame.branches) for side in (first, second)]
    first, second = surviving(first), surviving(second)
    with np.errstate(over="ignore", invalid="ignore"):  # heavy tails: shown only where moments exist
        mean = second.mean(axis=0) - first.mean(axis=0)
        error = np.sqrt(sum(side.var(axis=0, ddof=1) / len(side) for side in states))
    once, twice = (orders > 1, _banded(w1)), (orders > 2, _banded(w2))
    (w1, w1_null, w1_p), (w2, w2_null, w2_p) = (
        [np.where(there, values, np.nan) for values in band] for there, band in (once, twice)
    )
    return Coordinates(
        w1=w1,
        w1_null=w1_null,
        w1_p=w1_p,
        w2=w2,
        w2_null=w2_null,
        w2_p=w2_p,
        mean=np.where(orders > 1, mean, np.nan),
        mean_error=np.where(orders > 2, error, np.nan),
        median=np.median(second, axis=0) - np.median(first, axis=0),
    )


def _banded(values: Floats) -> tuple[Floats, Floats, Floats]:
    """Value, null quantile and p-value of each column."""
    chance = np.quantile(values[1:], 0.95, axis=0)
    return values[0], chance, np.array([p_value(column) for column in values.T])


def _divergences(first: Floats, second: Floats, variance: bool, frame: Frame) -> Divergences:
    known = _pooled(first, second, frame.settings.pair_limit, frame)
    if known is None:
        return Divergences(np.full(2, np.nan), np.full(2, np.nan))
    estimate, closed = kl_both_ways(known[0], known[1][:1], frame)
    return Divergences(estimate[:, 0], closed[:, 0] if variance else np.full(2, np.nan))
