"""All distances between two samples, with one interface: points in, distances under many labellings out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from fastsde.analysis.distances import (
    assignment,
    energy,
    gaussian,
    mmd,
    neighbours,
    random_features,
    sinkhorn,
    wasserstein,
    wasserstein_1d,
)
from fastsde.analysis.distances.permutation import Relabelling
from fastsde.analysis.protocols import Bools, Floats

if TYPE_CHECKING:
    from fastsde.analysis.results import Settings

SMALLEST_SAMPLE = 10
"""Fewer survivors a side than this give no distance."""

PRIMARY = "mmd_features"
"""The distance that ranks models: it exists for every law, and sees all trajectories of any number."""


@dataclass(frozen=True)
class Compared:
    """Outcome of one comparison.

    Attributes
    ----------
    values : ndarray, shape (1 + permutation,), or None
        The observed distance first, then those of the shuffles; None where fewer than ten trajectories a side
        survive.
    count : int
        Trajectories of either side that were used.
    left_out : ndarray, shape (group,), or None
        The distance without each group of trajectories, for the jackknife; None of most distances.
    """

    values: Floats | None
    count: int
    left_out: Floats | None = None


@dataclass(frozen=True)
class Frame:
    """What all comparisons of an ensemble have in common, so that their distances can be compared.

    Attributes
    ----------
    coordinates : tuple of str
        Their names.
    bandwidth : float
        Kernel width h.
    along : ndarray, shape (direction, coordinate)
        Directions of the sliced distance.
    waves : ndarray, shape (frequency, coordinate)
        Frequencies of the random features.
    settings : Settings
        Exponents, neighbours, blur and seed.
    branches : int
        So many consecutive trajectories start from one state, and are the unit of shuffles together.
    """

    coordinates: tuple[str, ...]
    bandwidth: float
    along: Floats
    waves: Floats
    settings: Settings
    branches: int = 1

    @classmethod
    def of(cls, coordinates: Sequence[str], bandwidth: float, settings: Settings, branches: int = 1) -> Frame:
        """Draw directions and frequencies for these coordinates."""
        size = len(coordinates)
        return cls(
            coordinates=tuple(coordinates),
            bandwidth=bandwidth,
            along=wasserstein.directions(size, settings.directions, settings.seed),
            waves=random_features.frequencies(size, settings.frequencies, settings.seed),
            settings=settings,
            branches=branches,
        )


@dataclass(frozen=True)
class Metric:
    """A distance between laws.

    Attributes
    ----------
    name, title : str
        Key, and name for tables and figures.
    unit : str
        Of its values; "1" is a coordinate's unit (share of a mode's strength, or decade of loss).
    order : callable
        From the settings to the order of the moments that must exist; 0 if none.
    limit : callable
        From the settings to the number of trajectories a side that are used at most.
    relabelled : callable
        (pooled points, labels, frame) to the distance under each labelling.
    exploded : bool
        Whether exploded trajectories take part, as a state of their own.
    blocks : bool
        Whether all trajectories are used, by sums over blocks, and blocks are shuffled.
    always : bool
        Whether it is cheap enough for every snapshot.
    """

    name: str
    title: str
    unit: str
    order: Callable[[Settings], float]
    limit: Callable[[Settings], int]
    relabelled: Callable[[Floats, Bools, Frame], Floats]
    exploded: bool = False
    blocks: bool = False
    always: bool = False

    def labelling(self, trajectories: int, frame: Frame) -> Relabelling:
        """Return the shuffles for two samples of so many trajectories, or of blocks of them."""
        settings, limit = frame.settings, self.limit(frame.settings)
        if self.blocks:
            states = trajectories // frame.branches
            each = max(1, -(-states // limit))
            return shuffles(states // each, settings.permutations, settings.seed, 1)
        size = min(limit, trajectories) // frame.branches * frame.branches
        return shuffles(size, settings.permutations, settings.seed, frame.branches)

    def compare(self, first: Floats, second: Floats, relabelling: Relabelling, frame: Frame) -> Compared:
        """Distance of two samples under the observed labelling and the shuffled ones.

        Parameters
        ----------
        first, second : ndarray, shape (n, coordinate)
            Points, exploded trajectories NaN; no fewer than the labelling has.
        relabelling : Relabelling
            From `labelling`.
        frame : Frame
            Bandwidth, directions, frequencies.

        Returns
        -------
        Compared
        """
        if self.blocks:
            return self._compare_blocks(first, second, relabelling, frame)
        size = relabelling.size
        first, second = first[:size], second[:size]
        there = [_taking_part(side, self.exploded) for side in (first, second)]
        count = min(int(one.sum()) for one in there)
        if count < SMALLEST_SAMPLE:
            return Compared(None, count)
        slots, labels = relabelling.at(*there)
        return Compared(self.relabelled(np.concatenate([first, second])[slots], labels, frame), count)

    def _compare_blocks(
        self, first: Floats, second: Floats, relabelling: Relabelling, frame: Frame
    ) -> Compared:
        """Compare by sums over blocks of whole states, which are what is shuffled."""
        blocks = relabelling.size
        unit = max(blocks, 1) * frame.branches
        size = min(len(first), len(second)) // unit * unit
        if size < SMALLEST_SAMPLE:
            return Compared(None, size)
        sums = [
            random_features.block_sums(side[:size], frame.waves, frame.bandwidth, blocks)
            for side in (first, second)
        ]
        everywhere = np.ones(blocks, dtype=np.bool_)
        _, labels = relabelling.at(everywhere, everywhere)
        values = self.relabelled(np.concatenate(sums), labels, frame)
        return Compared(values, size, random_features.left_out(*sums))


@lru_cache(maxsize=8)
def shuffles(size: int, permutations: int, seed: int, branches: int = 1) -> Relabelling:
    """Return the shuffles of two samples of one size; those of the last few sizes are kept."""
    return Relabelling(size, permutations, seed, branches)


def _taking_part(points: Floats, exploded: bool) -> Bools:
    finite: Bools = np.asarray(np.isfinite(points).all(axis=1))
    return finite | exploded


def _principal(pooled: Floats) -> Floats:
    """Project on the principal axes, three at most, each in units of its own spread."""
    centred = pooled - pooled.mean(axis=0)
    _, spread, axes = np.linalg.svd(centred, full_matrices=False)
    kept = axes[: neighbours.DIMENSIONS][spread[: neighbours.DIMENSIONS] > 1e-12 * max(spread[0], 1e-300)]
    projected = centred @ (kept if len(kept) else axes[:1]).T
    return np.asarray(projected / np.maximum(projected.std(axis=0), 1e-300))


def kl_both_ways(pooled: Floats, labels: Bools, frame: Frame) -> tuple[Floats, Floats]:
    """Divergences on the principal axes, both ways: from neighbours and of fitted Gaussians.

    Returns
    -------
    tuple of ndarray, shape (2, labelling)
        KL(first | second) and KL(second | first), in nats, by either method.
    """
    projected = _principal(pooled)
    fits = gaussian.fitted(projected, labels), gaussian.fitted(projected, ~labels)
    closed = np.stack([gaussian.divergence(*fits), gaussian.divergence(*fits[::-1])])
    return neighbours.relabelled(projected, labels, frame.settings.neighbours), closed


def _marginal(power: int) -> Callable[[Floats, Bools, Frame], Floats]:
    def relabelled(pooled: Floats, labels: Bools, frame: Frame) -> Floats:
        coordinates = wasserstein_1d.relabelled(pooled, labels, power)
        return np.asarray(np.mean(coordinates**power, axis=1) ** (1 / power))

    return relabelled


def _several_widths(pooled: Floats, labels: Bools, frame: Frame) -> Floats:
    states = mmd.with_exploded(pooled, max(mmd.FACTORS) * frame.bandwidth)
    widths = [factor * frame.bandwidth for factor in mmd.FACTORS]
    return mmd.aggregated(mmd.relabelled_widths(states, labels, widths))


def _sinkhorn(pooled: Floats, labels: Bools, frame: Frame) -> Floats:
    return sinkhorn.relabelled(pooled, labels, sinkhorn.penalty(pooled, frame.settings.blur))


METRICS: tuple[Metric, ...] = (
    Metric(
        "mmd",
        "MMD²",
        "dimensionless",
        lambda settings: 0,
        lambda settings: settings.kernel_limit,
        lambda pooled, labels, frame: mmd.relabelled(
            mmd.with_exploded(pooled, frame.bandwidth), labels, frame.bandwidth
        ),
        exploded=True,
    ),
    Metric(
        "mmd_features",
        "MMD², random features",
        "dimensionless",
        lambda settings: 0,
        lambda settings: settings.blocks,
        lambda pooled, labels, frame: random_features.relabelled(pooled, labels),
        exploded=True,
        blocks=True,
        always=True,
    ),
    Metric(
        "mmd_widths",
        "MMD², several bandwidths",
        "chance levels",
        lambda settings: 0,
        lambda settings: settings.pair_limit,
        _several_widths,
        exploded=True,
    ),
    Metric(
        "energy",
        "energy distance",
        "1^q",
        lambda settings: settings.energy_exponent,
        lambda settings: settings.kernel_limit,
        lambda pooled, labels, frame: energy.relabelled(pooled, labels, frame.settings.energy_exponent),
        always=True,
    ),
    Metric(
        "sliced_wasserstein",
        "W2, sliced",
        "1",
        lambda settings: 2,
        lambda settings: settings.sliced_limit,
        lambda pooled, labels, frame: wasserstein.relabelled(pooled, labels, frame.along),
        always=True,
    ),
    Metric(
        "marginal_w1",
        "W1, coordinates",
        "1",
        lambda settings: 1,
        lambda settings: settings.sliced_limit,
        _marginal(1),
    ),
    Metric(
        "marginal_w2",
        "W2, coordinates",
        "1",
        lambda settings: 2,
        lambda settings: settings.sliced_limit,
        _marginal(2),
    ),
    Metric(
        "gaussian_w2",
        "W2² of Gaussian fits",
        "1²",
        lambda settings: 2,
        lambda settings: settings.sliced_limit,
        lambda pooled, labels, frame: gaussian.relabelled(pooled, labels, frame.settings.seed),
    ),
    Metric(
        "exact_w2",
        "W2, exact",
        "1",
        lambda settings: 2,
        lambda settings: settings.transport_limit,
        lambda pooled, labels, frame: assignment.relabelled(pooled, labels),
    ),
    Metric(
        "sinkhorn",
        "Sinkhorn divergence",
        "1²",
        lambda settings: 2,
        lambda settings: settings.transport_limit,
        _sinkhorn,
    ),
    Metric(
        "knn_kl",
        "KL, neighbours",
        "nats",
        lambda settings: 0,
        lambda settings: settings.pair_limit,
        lambda pooled, labels, frame: kl_both_ways(pooled, labels, frame)[0].mean(axis=0),
    ),
    Metric(
        "gaussian_kl",
        "KL of Gaussian fits",
        "nats",
        lambda settings: 2,
        lambda settings: settings.pair_limit,
        lambda pooled, labels, frame: kl_both_ways(pooled, labels, frame)[1].mean(axis=0),
    ),
)
"""All distances, those of the main figure first."""

BY_NAME = {metric.name: metric for metric in METRICS}
EVERY_SNAPSHOT = tuple(metric for metric in METRICS if metric.always)
