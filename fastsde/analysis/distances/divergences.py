"""Kullback-Leibler divergences between two samples, one way and the other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fastsde.analysis.distances.base import Frame
from fastsde.analysis.distances.kinds.kullback_leibler import (
    from_neighbours,
    of_gaussians,
    singular,
    without_density,
)
from fastsde.analysis.distances.samples import pooled
from fastsde.analysis.protocols import Floats


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


def divergences(first: Floats, second: Floats, variance: bool, frame: Frame) -> Divergences:
    """Estimate the divergences between two samples both ways.

    Parameters
    ----------
    first, second : ndarray, shape (n, coordinate)
        Points; those of diverged trajectories are not finite.
    variance : bool
        Whether the divergence of Gaussian fits exists.
    frame : Frame
    """
    nothing = np.full(2, np.nan)
    known = pooled(first, second, frame.settings.pair_limit, frame)
    if known is None:
        return Divergences(nothing, nothing)
    points, labels = known[0], known[1][:1]
    samples = points[labels[0]], points[~labels[0]]
    estimate, closed = np.full((2, 2), np.inf)
    if not singular(*samples, frame):
        undefined = without_density(*samples, frame)
        closed = of_gaussians(points, labels, frame)[:, 0]
        estimate = nothing if undefined else from_neighbours(points, labels, frame)[:, 0]
    return Divergences(estimate, closed if variance else nothing)
