"""Kullback-Leibler divergences on at most three principal axes, both ways, and where they are infinite.

Known answers: |m|^2 / 2 between N(0, 1) and N(m, 1) both ways; (s^2 - 1)/2 - ln s for N(0, s^2) against N(0,
1); infinite where one law has mass on a set that has none under the other.
"""

from __future__ import annotations

import numpy as np

from fastsde.analysis.distances import gaussian, neighbours
from fastsde.analysis.distances.base import Frame
from fastsde.analysis.distances.registry import Distance, register
from fastsde.analysis.protocols import Bools, Floats

RELATIVE = 1e-12
"""Spreads below this share of the largest are rounding."""

THIN = 1e-6
"""A sample whose spread in some direction is below this share of that of both lies in a subspace."""

ALIKE = 0.03
"""A coordinate is a function of others if it varies less than this between their nearest neighbours."""

SINGULAR = "infinite: a sample lies in a subspace that the other leaves"
UNLIKE = "infinite: the samples are of different dimension"
ATOMS = "undefined: more than {} trajectories coincide"


def from_neighbours(pooled: Floats, labels: Bools, frame: Frame) -> Floats:
    """Estimates of KL(first | second) and KL(second | first) in nats, shape (2, labelling)."""
    return neighbours.relabelled(_places(pooled, frame), labels, frame.settings.neighbours)


def of_gaussians(pooled: Floats, labels: Bools, frame: Frame) -> Floats:
    """Both divergences of the fitted Gaussians in nats, shape (2, labelling)."""
    projected = _principal(pooled, frame)
    fits = gaussian.fitted(projected, labels), gaussian.fitted(projected, ~labels)
    return np.stack([gaussian.divergence(*fits), gaussian.divergence(*fits[::-1])])


def singular(first: Floats, second: Floats, frame: Frame) -> str:
    """Say why divergences between these samples are infinite; empty if they need not be.

    They are if either lies in a proper (affine) subspace of that in which both lie: then it has no density
    there, or the other one has mass outside of it.

    Examples
    --------
    >>> from fastsde.analysis.results import Settings
    >>> frame, line = Frame.of(("x", "y"), Settings()), np.linspace(-1, 1, 20)
    >>> crossing = np.column_stack([line, line]), np.column_stack([line, -line])
    >>> singular(*crossing, frame).split(":")[0], singular(crossing[0], crossing[0] / 2, frame)
    ('infinite', '')
    """
    count = min(len(first), len(second))
    both = _standardised(np.concatenate([first, second]), frame)[:, : max(count // 2 - 1, 1)]
    thinnest = min(
        float(np.linalg.svd(sample - sample.mean(axis=0), compute_uv=False)[-1]) / len(sample) ** 0.5
        for sample in (both[: len(first)], both[len(first) :])
    )
    return SINGULAR if thinnest < THIN and np.ptp(both) > 0 else ""


def without_density(first: Floats, second: Floats, frame: Frame) -> str:
    """Say why neighbours estimate no divergence between these samples; empty if they do."""
    reason = singular(first, second, frame)
    if reason:
        return reason
    projected = _places(np.concatenate([first, second]), frame)
    near = frame.settings.neighbours
    if neighbours.coincide(projected, near):
        return ATOMS.format(near)
    samples = projected[: len(first)], projected[len(first) :]
    dimensions = {neighbours.dimension(sample) for sample in samples}
    return UNLIKE if len(dimensions) > 1 else ""


def independent(pooled: Floats) -> Floats:
    """Leave out coordinates that are functions of the others: they change no divergence, but the geometry.

    The logarithm of the loss of a scalar network is one, of its parameter. Where the points are of clearly
    fewer dimensions than coordinates, the coordinate whose ranks are most alike between nearest neighbours in
    the others is left out, if they are alike.

    Parameters
    ----------
    pooled : ndarray, shape (n, d)
        Both samples.

    Returns
    -------
    ndarray, shape (n, kept)

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(200, 2))
    >>> independent(np.column_stack([x[:, 0], np.exp(x[:, 0])])).shape, independent(x).shape
    ((200, 1), (200, 2))
    """
    points = pooled[:, np.ptp(pooled, axis=0) > 0]
    while 1 < points.shape[1] <= neighbours.DIMENSIONS + 1:
        unit = (points - points.mean(axis=0)) / points.std(axis=0)
        if neighbours.dimension(unit) == points.shape[1]:
            break
        unlike = [neighbours.unlike(np.delete(unit, k, axis=1), unit[:, k]) for k in range(points.shape[1])]
        if min(unlike) > ALIKE:
            break
        points = np.delete(points, int(np.argmin(unlike)), axis=1)
    return points if points.shape[1] else pooled[:, :1]


def _places(pooled: Floats, frame: Frame) -> Floats:
    return _principal(independent(pooled), frame)


def _principal(pooled: Floats, frame: Frame) -> Floats:
    """Project on the principal axes, three at most, each in units of its spread."""
    return _standardised(pooled, frame)[:, : neighbours.DIMENSIONS]


def _standardised(pooled: Floats, frame: Frame) -> Floats:
    """Principal components of the points, each in units of its spread; without those that are rounding."""
    centred = pooled - pooled.mean(axis=0)
    _, spread, axes = np.linalg.svd(centred, full_matrices=False)
    root = len(pooled) ** 0.5
    rounding = max(frame.rounding, RELATIVE * float(np.abs(pooled).max()), RELATIVE * spread[0] / root)
    kept = axes[spread > rounding * root]
    if not len(kept):
        return np.zeros((len(pooled), 1))
    projected = centred @ kept.T
    return np.asarray(projected / projected.std(axis=0))


KNN_KL = register(
    Distance(
        name="knn_kl",
        label="KL, neighbours",
        units="nats",
        relabelled=lambda pooled, labels, frame: from_neighbours(pooled, labels, frame).mean(axis=0),
        limit=lambda settings: settings.pair_limit,
        refused=without_density,
        detects="differences on at most three principal axes, both ways averaged",
        exists="neither sample lies in a subspace that the other leaves, and no atoms",
        equation="∫ p ln(p/q), from nearest neighbours",
        source="Wang, Kulkarni and Verdu (2009)",
        order=110,
    )
)

GAUSSIAN_KL = register(
    Distance(
        name="gaussian_kl",
        label="KL of Gaussian fits",
        units="nats",
        relabelled=lambda pooled, labels, frame: of_gaussians(pooled, labels, frame).mean(axis=0),
        moments=2.0,
        limit=lambda settings: settings.pair_limit,
        refused=singular,
        detects="differences of mean and covariance on at most three principal axes, both ways averaged",
        exists="the variance exists, and neither sample lies in a subspace that the other leaves",
        equation="(tr(S2⁻¹S1) - d + m·S2⁻¹m + ln det S2 - ln det S1) / 2",
        source="Kullback (1959)",
        order=120,
    )
)
