"""All distances between two samples, with one interface (`fastsde.analysis.distances.base`)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from fastsde.analysis.distances import gaussian, wasserstein_1d
from fastsde.analysis.distances.base import Frame, Metric
from fastsde.analysis.distances.kinds import energy, kullback_leibler, mmd, sinkhorn
from fastsde.analysis.distances.kinds import exact_wasserstein as assignment
from fastsde.analysis.distances.kinds import mmd_features as random_features
from fastsde.analysis.distances.kinds import sliced_wasserstein as wasserstein
from fastsde.analysis.protocols import Bools, Floats

PRIMARY = "mmd_features"
"""The distance that ranks models: it exists for every law, and sees all trajectories of any number."""


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
            mmd.with_exploded(pooled, frame.bandwidth), labels, frame.bandwidth, mmd.SCALES
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
        "null quantiles",
        lambda settings: 0,
        lambda settings: settings.pair_limit,
        _several_widths,
        exploded=True,
    ),
    Metric(
        "energy",
        "energy distance",
        "(share or decade)^q",
        lambda settings: settings.energy_exponent,
        lambda settings: settings.kernel_limit,
        lambda pooled, labels, frame: energy.relabelled(pooled, labels, frame.settings.energy_exponent),
        always=True,
    ),
    Metric(
        "sliced_wasserstein",
        "W2, sliced",
        "share or decade",
        lambda settings: 2,
        lambda settings: settings.sliced_limit,
        lambda pooled, labels, frame: wasserstein.relabelled(pooled, labels, frame.along),
        always=True,
    ),
    Metric(
        "marginal_w1",
        "W1, coordinates",
        "share or decade",
        lambda settings: 1,
        lambda settings: settings.sliced_limit,
        _marginal(1),
    ),
    Metric(
        "marginal_w2",
        "W2, coordinates",
        "share or decade",
        lambda settings: 2,
        lambda settings: settings.sliced_limit,
        _marginal(2),
    ),
    Metric(
        "gaussian_w2",
        "W2² of Gaussian fits",
        "(share or decade)²",
        lambda settings: 2,
        lambda settings: settings.sliced_limit,
        lambda pooled, labels, frame: gaussian.relabelled(pooled, labels, frame.settings.seed),
    ),
    Metric(
        "exact_w2",
        "W2, exact",
        "share or decade",
        lambda settings: 2,
        lambda settings: settings.transport_limit,
        lambda pooled, labels, frame: assignment.relabelled(pooled, labels),
    ),
    Metric(
        "sinkhorn",
        "Sinkhorn divergence",
        "(share or decade)²",
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
        lambda pooled, labels, frame: kullback_leibler.from_neighbours(pooled, labels, frame).mean(axis=0),
        refused=kullback_leibler.without_density,
    ),
    Metric(
        "gaussian_kl",
        "KL of Gaussian fits",
        "nats",
        lambda settings: 2,
        lambda settings: settings.pair_limit,
        lambda pooled, labels, frame: kullback_leibler.of_gaussians(pooled, labels, frame).mean(axis=0),
        refused=kullback_leibler.singular,
    ),
)
"""All distances, those of the main figure first."""

BY_NAME = {metric.name: metric for metric in METRICS}
EVERY_SNAPSHOT = tuple(metric for metric in METRICS if metric.always)
