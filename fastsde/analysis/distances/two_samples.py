"""Two models at one snapshot: every distance with its null band, coordinate by coordinate, divergences."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from fastsde.analysis.distances.base import Compared, Frame
from fastsde.analysis.distances.coordinatewise import Coordinates, coordinates
from fastsde.analysis.distances.existence import refusal
from fastsde.analysis.distances.kinds import kullback_leibler
from fastsde.analysis.distances.over_time import p_value
from fastsde.analysis.distances.registry import BY_NAME, METRICS, PRIMARY
from fastsde.analysis.distances.samples import pooled, surviving
from fastsde.analysis.distances.significance import NO_DISTANCE, Significance, combine
from fastsde.analysis.protocols import Floats
from fastsde.analysis.records import stack


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
class Divergences:
    """Kullback-Leibler divergences in nats on at most three principal axes, both ways.

    Attributes
    ----------
    neighbours : ndarray, shape (2,)
        Nearest-neighbour estimates of KL(first | second) and KL(second | first); NaN where trajectories
        coincide or too few survive.
    gaussian : ndarray, shape (2,)
        Closed form for the fitted Gaussians; NaN where there is no variance.

    Both are infinite where a sample lies in a subspace in which the other does not.
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
    significance : Significance
        Whether the two are distinguishable, by all distances together.
    """

    tests: dict[str, Tested]
    reasons: dict[str, tuple[str, ...]]
    coordinates: Coordinates
    divergences: Divergences
    significance: Significance


@dataclass(frozen=True)
class Measured:
    """Two models at one snapshot, with the distances under all shuffles that `joined` combines.

    Attributes
    ----------
    tests : dict of str to Tested
    reasons : dict of str to str
        Why a distance does not exist; empty where it does.
    coordinates : Coordinates
    divergences : Divergences
    relabelled : dict of str to ndarray, shape (1 + permutation,)
        Each distance under the observed labelling and the shuffled ones; NaN where it does not exist.
    """

    tests: dict[str, Tested]
    reasons: dict[str, str]
    coordinates: Coordinates
    divergences: Divergences
    relabelled: dict[str, Floats]


def joined(snapshots: Sequence[Measured]) -> Pair:
    """Stack the snapshots of one pair of models, and combine all that was measured into one test."""
    last = snapshots[-1].reasons[PRIMARY] or NO_DISTANCE
    relabelled = {name: np.stack([at.relabelled[name] for at in snapshots]) for name in BY_NAME}
    reasons = {name: tuple(at.reasons[name] for at in snapshots) for name in relabelled}
    return Pair(
        tests={name: stack([at.tests[name] for at in snapshots]) for name in relabelled},
        reasons={name: said for name, said in reasons.items() if any(said)},
        coordinates=stack([at.coordinates for at in snapshots]),
        divergences=stack([at.divergences for at in snapshots]),
        significance=combine(relabelled, reason=last),
    )


def versus(first: Floats, second: Floats, orders: Mapping[str, float], frame: Frame) -> Measured:
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
    Measured
    """
    reasons = {one.name: refusal(one, frame.settings, orders) for one in METRICS}
    survivors = surviving(first), surviving(second)
    nothing = np.full(frame.settings.permutations + 1, np.nan)
    tests, relabelled = {}, {}
    for metric in METRICS:
        whole = metric.exploded or frame.branches > 1  # trajectories of one state stay beside one another
        sides = (first, second) if whole else survivors
        size = min(map(len, sides))
        found = Compared(None, size, reason="too few: none survives in a sample")
        if not reasons[metric.name] and size:
            found = metric.compare(*sides, metric.labelling(size, frame), frame)
        tests[metric.name] = tested(found)
        relabelled[metric.name] = nothing if found.values is None else found.values
        reasons[metric.name] = reasons[metric.name] or found.reason
    lowest = min(orders.values())
    sides = (first, second) if frame.branches > 1 else survivors
    return Measured(
        tests=tests,
        reasons=reasons,
        coordinates=coordinates(*sides, lowest, frame),
        divergences=_divergences(*sides, not reasons["gaussian_kl"], frame),
        relabelled=relabelled,
    )


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


def _divergences(first: Floats, second: Floats, variance: bool, frame: Frame) -> Divergences:
    known = pooled(first, second, frame.settings.pair_limit, frame)
    if known is None:
        return Divergences(np.full(2, np.nan), np.full(2, np.nan))
    points, labels = known[0], known[1][:1]
    sides = points[labels[0]], points[~labels[0]]
    estimate, closed = np.full((2, 2), np.inf)
    if not kullback_leibler.singular(*sides, frame):
        undefined = kullback_leibler.without_density(*sides, frame)
        closed = kullback_leibler.of_gaussians(points, labels, frame)[:, 0]
        estimate = (
            np.full(2, np.nan) if undefined else kullback_leibler.from_neighbours(points, labels, frame)[:, 0]
        )
    return Divergences(estimate, closed if variance else np.full(2, np.nan))
