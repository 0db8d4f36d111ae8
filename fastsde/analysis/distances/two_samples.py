"""Two models at one snapshot: every distance and its null quantile, coordinates, divergences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from fastsde.analysis.distances.base import Compared, Frame
from fastsde.analysis.distances.coordinatewise import Coordinates, coordinates
from fastsde.analysis.distances.divergences import Divergences, divergences
from fastsde.analysis.distances.existence import refusal
from fastsde.analysis.distances.kinds.kullback_leibler import GAUSSIAN_KL
from fastsde.analysis.distances.registry import DISTANCES, primary
from fastsde.analysis.distances.samples import surviving
from fastsde.analysis.distances.significance import NO_DISTANCE, Significance, combine
from fastsde.analysis.distances.tested import Tested, tested
from fastsde.analysis.protocols import Floats
from fastsde.analysis.records import stack


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
    """Two models at one snapshot, with the distances under all permutations that `joined` combines.

    Attributes
    ----------
    tests : dict of str to Tested
    reasons : dict of str to str
        Why a distance does not exist; empty where it does.
    coordinates : Coordinates
    divergences : Divergences
    relabelled : dict of str to ndarray, shape (1 + permutation,)
        Each distance under the observed labelling and the permuted ones; NaN where it does not exist.
    """

    tests: dict[str, Tested]
    reasons: dict[str, str]
    coordinates: Coordinates
    divergences: Divergences
    relabelled: dict[str, Floats]


def joined(snapshots: Sequence[Measured]) -> Pair:
    """Stack the snapshots of one pair of models, and combine all that was measured into one test."""
    last = snapshots[-1].reasons[primary().name] or NO_DISTANCE
    names = list(snapshots[-1].tests)
    relabelled = {name: np.stack([at.relabelled[name] for at in snapshots]) for name in names}
    reasons = {name: tuple(at.reasons[name] for at in snapshots) for name in names}
    return Pair(
        tests={name: stack([at.tests[name] for at in snapshots]) for name in names},
        reasons={name: why for name, why in reasons.items() if any(why)},
        coordinates=stack([at.coordinates for at in snapshots]),
        divergences=stack([at.divergences for at in snapshots]),
        significance=combine(relabelled, reason=last),
    )


def by_every_distance(first: Floats, second: Floats, orders: Mapping[str, float], frame: Frame) -> Measured:
    """Compare two independent samples of points by every distance.

    Parameters
    ----------
    first, second : ndarray, shape (n, coordinate)
        Points; those of diverged trajectories are not finite.
    orders : mapping of str to float
        Order up to which either model has moments, by name.
    frame : Frame
        Bandwidth, coordinates and settings.

    Returns
    -------
    Measured
    """
    survivors = surviving(first), surviving(second)
    nothing = np.full(frame.settings.permutations + 1, np.nan)
    tests, relabelled, reasons = {}, {}, {}
    for name, distance in DISTANCES.items():
        whole = distance.diverged or frame.branches > 1  # trajectories of one state stay beside one another
        samples = (first, second) if whole else survivors
        size = min(map(len, samples))
        compared = Compared(None, size, reason="too few: none survives in a sample")
        reason = refusal(distance, frame.settings, orders)
        if not reason and size:
            compared = distance.compare(*samples, distance.labelling(size, frame), frame)
        tests[name] = tested(compared)
        relabelled[name] = nothing if compared.values is None else compared.values
        reasons[name] = reason or compared.reason
    samples = (first, second) if frame.branches > 1 else survivors
    return Measured(
        tests=tests,
        reasons=reasons,
        coordinates=coordinates(*samples, min(orders.values()), frame),
        divergences=divergences(*samples, not reasons[GAUSSIAN_KL.name], frame),
        relabelled=relabelled,
    )
