"""Every model against the reference at every snapshot, with equal numbers of trajectories."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from fastsde.analysis.distances.base import Frame
from fastsde.analysis.distances.clouds import Clouds
from fastsde.analysis.distances.existence import refusal
from fastsde.analysis.distances.jackknife import GROUPS
from fastsde.analysis.distances.over_time import DistanceOverTime, over_time
from fastsde.analysis.distances.registry import every_snapshot, primary
from fastsde.analysis.distances.significance import NO_DISTANCE, Significance, combine
from fastsde.analysis.protocols import Floats

Key = tuple[str, str]
"""Name of a model, name of a distance."""


class FromReference:
    """Distances of every model from the reference, gathered snapshot by snapshot.

    Parameters
    ----------
    names : sequence of str
        All models.
    reference : str
        The model that the others are compared with; it is compared with itself, half against half.
    half : int
        Trajectories of half a sample, in whole states.
    snapshots : int
        How many will be added.
    frame : Frame
        Coordinates and settings.
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
        self.snapshots = snapshots
        self.distances = every_snapshot()
        self.primary = primary().name
        self.labels = {one.name: one.labelling(self.half, frame) for one in self.distances}
        shape = (snapshots, frame.settings.permutations + 1)
        self.values = {(name, kind): np.full(shape, np.nan) for name in names for kind in self.labels}
        self.left_out: dict[Key, Floats] = {}
        self.counts = {key: np.zeros(snapshots) for key in self.values}
        self.reasons = dict.fromkeys(self.values, "")
        self.lacking = dict.fromkeys(names, NO_DISTANCE)
        self.further: dict[str, dict[str, Floats]] = {name: {} for name in names}

    def add(self, snapshot: int, name: str, clouds: Clouds) -> None:
        """Compare the first half of the reference with the second half of a model at one snapshot."""
        orders = {model: clouds.orders[model] for model in (self.reference, name)}
        first = clouds.points[self.reference][: self.half]
        second = clouds.points[name][self.half : 2 * self.half]
        for distance in self.distances:
            key = name, distance.name
            reason = refusal(distance, self.frame.settings, orders)
            if reason:
                self.reasons[key] = reason
                continue
            compared = distance.compare(first, second, self.labels[distance.name], clouds.frame)
            self.counts[key][snapshot] = compared.count
            if compared.values is not None:
                self.values[key][snapshot] = compared.values
            elif distance.primary:
                self.lacking[name] = compared.reason
            if compared.left_out is not None:
                rows = self.left_out.setdefault(key, np.full((self.snapshots, GROUPS), np.nan))
                rows[snapshot, : len(compared.left_out)] = compared.left_out

    def include(self, snapshot: int, name: str, relabelled: Mapping[str, Floats]) -> None:
        """Take distances that were measured elsewhere at one snapshot into account, for the significance.

        Parameters
        ----------
        snapshot : int
        name : str
            The model, whose second half was compared with the first half of the reference.
        relabelled : mapping of str to ndarray, shape (1 + permutation,)
            By name of the distance; those that are measured at every snapshot are known already.
        """
        for kind, values in relabelled.items():
            if kind not in self.labels:
                nothing = np.full_like(self.values[name, self.primary], np.nan)
                self.further[name].setdefault(kind, nothing)[snapshot] = values

    def result(self) -> dict[str, dict[str, DistanceOverTime]]:
        """Return the distances by model and kind."""
        distances: dict[str, dict[str, DistanceOverTime]] = {}
        for key, values in self.values.items():
            name, kind = key
            distances.setdefault(name, {})[kind] = over_time(
                values, self.counts[key], self.reasons[key], self.weight, self.left_out.get(key)
            )
        return distances

    def significance(self, start: int) -> dict[str, Significance]:
        """Return by model whether it is distinguishable from the reference, by all distances together.

        Parameters
        ----------
        start : int
            How many snapshots at the beginning are starts, of one law by construction: they do not count.
        """
        later = np.arange(self.snapshots) >= (start if start < self.snapshots else 0)
        return {
            name: combine(
                {kind: self.values[name, kind] for kind in self.labels} | self.further[name], later, reason
            )
            for name, reason in self.lacking.items()
        }
