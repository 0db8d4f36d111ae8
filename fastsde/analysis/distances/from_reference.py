"""Every model against the reference: equal numbers of trajectories, distances under shuffled labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from fastsde.analysis.distances.base import Frame
from fastsde.analysis.distances.clouds import Clouds
from fastsde.analysis.distances.existence import refusal
from fastsde.analysis.distances.kinds.mmd_features import GROUPS
from fastsde.analysis.distances.over_time import Distance, distance
from fastsde.analysis.distances.registry import EVERY_SNAPSHOT, PRIMARY
from fastsde.analysis.distances.significance import NO_DISTANCE, Significance, combine
from fastsde.analysis.protocols import Floats


class Comparison:
    """Distances of every model from the reference, gathered snapshot by snapshot.

    Parameters
    ----------
    names : sequence of str
        All models.
    reference : str
        The one that the others are compared with; it is compared with itself, half against half.
    half : int
        Trajectories of half a sample, in whole states.
    snapshots : int
        How many will be added.
    frame : Frame
        Directions, frequencies and settings.
    weight : ndarray, shape (snapshot,), optional
        Of each snapshot in the means over time; equal by default.
    """

    def __init__(
        self,
        names: Sequence[str],
        reference: str,
        half: int,
        snapshots: int,
        frame: Frame,
        weight: Floats | None = None,
    ) -> None:
        self.reference = reference
        self.frame = frame
        self.weight = weight
        self.half = half
        self.labels = {one.name: one.labelling(self.half, frame) for one in EVERY_SNAPSHOT}
        shape = (snapshots, frame.settings.permutations + 1)
        self.values = {(name, kind): np.full(shape, np.nan) for name in names for kind in self.labels}
        self.left_out = {(name, PRIMARY): np.full((snapshots, GROUPS), np.nan) for name in names}
        self.counts = {key: np.zeros(snapshots) for key in self.values}
        self.reasons = dict.fromkeys(self.values, "")
        self.lacking = dict.fromkeys(names, NO_DISTANCE)
        self.further: dict[str, dict[str, Floats]] = {name: {} for name in names}

    def add(self, snapshot: int, name: str, clouds: Clouds) -> None:
        """Compare the first half of the reference with the second half of a model at one snapshot."""
        orders = {one: clouds.orders[one] for one in (self.reference, name)}
        first = clouds.points[self.reference][: self.half]
        second = clouds.points[name][self.half : 2 * self.half]
        for metric in EVERY_SNAPSHOT:
            key = name, metric.name
            reason = refusal(metric, self.frame.settings, orders)
            if reason:
                self.reasons[key] = reason
                continue
            found = metric.compare(first, second, self.labels[metric.name], clouds.frame)
            self.counts[key][snapshot] = found.count
            if found.values is not None:
                self.values[key][snapshot] = found.values
            elif metric.name == PRIMARY:
                self.lacking[name] = found.reason
            if found.left_out is not None:
                self.left_out[key][snapshot, : len(found.left_out)] = found.left_out

    def include(self, snapshot: int, name: str, relabelled: Mapping[str, Floats]) -> None:
        """Take distances that were measured elsewhere at one snapshot into account, for the significance.

        Parameters
        ----------
        snapshot : int
        name : str
            The model, whose second half was compared with the first half of the reference.
        relabelled : mapping of str to ndarray, shape (1 + permutation,)
            By name of the distance; those that are taken at every snapshot are known already.
        """
        for kind, values in relabelled.items():
            if kind not in self.labels:
                rows = self.further[name].setdefault(kind, np.full_like(self.values[name, PRIMARY], np.nan))
                rows[snapshot] = values

    def result(self) -> dict[str, dict[str, Distance]]:
        """Return the distances by model and kind."""
        found: dict[str, dict[str, Distance]] = {}
        for (name, kind), values in self.values.items():
            key = name, kind
            one = distance(values, self.counts[key], self.reasons[key], self.weight, self.left_out.get(key))
            found.setdefault(name, {})[kind] = one
        return found

    def significance(self, start: int) -> dict[str, Significance]:
        """Return by model whether it is distinguishable from the reference, by all distances that were taken.

        Parameters
        ----------
        start : int
            How many snapshots at the beginning are starts, of one law by construction: they do not count.
        """
        snapshots = len(next(iter(self.values.values())))
        later = np.arange(snapshots) >= (start if start < snapshots else 0)
        found = {}
        for name, reason in self.lacking.items():
            everywhere = {kind: self.values[name, kind] for kind in self.labels}
            found[name] = combine({**everywhere, **self.further[name]}, later, reason)
        return found
