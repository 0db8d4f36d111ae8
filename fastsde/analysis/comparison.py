"""Every model against the reference: equal numbers of trajectories, distances under shuffled labels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fastsde.analysis import mmd, wasserstein
from fastsde.analysis.distances import SMALLEST_SAMPLE, Distance, distance
from fastsde.analysis.permutation import Relabelling
from fastsde.analysis.protocols import Bools, Floats
from fastsde.analysis.results import Settings

Points = dict[str, tuple[Floats, bool]]
"""By model: feature points, shape (trajectory, coordinate), and whether their law may have a variance."""


class Comparison:
    """Distances of every model from the reference, gathered snapshot by snapshot.

    Parameters
    ----------
    names : sequence of str
        All models.
    reference : str
        The one that the others are compared with; it is compared with itself, half against half.
    trajectories : int
        How many every model has.
    coordinates, snapshots : int
        Sizes of what will be added.
    bandwidth : float
        Kernel width of the MMD.
    settings : Settings
        Shuffles, directions, limits and seed.
    """

    def __init__(
        self,
        names: Sequence[str],
        reference: str,
        trajectories: int,
        coordinates: int,
        snapshots: int,
        bandwidth: float,
        settings: Settings,
    ) -> None:
        self.reference = reference
        self.bandwidth = bandwidth
        self.half = trajectories // 2
        self.labels = {
            "sliced_wasserstein": self._relabelling(settings.sliced_limit, settings),
            "mmd": self._relabelling(settings.mmd_limit, settings),
        }
        self.along = wasserstein.directions(coordinates, settings.directions, settings.seed)
        shape = (snapshots, settings.permutations + 1)
        self.values = {(name, kind): np.full(shape, np.nan) for name in names for kind in self.labels}
        self.counts = {key: np.zeros(snapshots) for key in self.values}

    def _relabelling(self, limit: int, settings: Settings) -> Relabelling:
        return Relabelling(min(limit, self.half), settings.permutations, settings.seed)

    def add(self, snapshot: int, name: str, points: Points) -> None:
        """Compare the first half of the reference with the second half of a model at one snapshot."""
        self._add_mmd(snapshot, name, *self._sides(name, points, "mmd"))
        if points[name][1] and points[self.reference][1]:
            self._add_sliced(snapshot, name, *self._sides(name, points, "sliced_wasserstein"))

    def _sides(self, name: str, points: Points, kind: str) -> tuple[Floats, Relabelling]:
        relabelling = self.labels[kind]
        ours = points[self.reference][0][: relabelling.size]
        theirs = points[name][0][self.half : self.half + relabelling.size]
        return np.concatenate([ours, theirs]), relabelling

    def _add_mmd(self, snapshot: int, name: str, pooled: Floats, relabelling: Relabelling) -> None:
        """All trajectories, the exploded ones as a state of their own."""
        self.counts[name, "mmd"][snapshot] = relabelling.size
        if relabelling.size < SMALLEST_SAMPLE:
            return
        everywhere = np.ones(relabelling.size, dtype=np.bool_)
        _, labels = relabelling.at(everywhere, everywhere)
        states = mmd.with_exploded(pooled, self.bandwidth)
        self.values[name, "mmd"][snapshot] = mmd.relabelled(states, labels, self.bandwidth)

    def _add_sliced(self, snapshot: int, name: str, pooled: Floats, relabelling: Relabelling) -> None:
        """Survivors only, equally many of either sample."""
        finite: Bools = np.asarray(np.isfinite(pooled).all(axis=1))
        first, second = finite[: relabelling.size], finite[relabelling.size :]
        count = min(int(first.sum()), int(second.sum()))
        self.counts[name, "sliced_wasserstein"][snapshot] = count
        if count >= SMALLEST_SAMPLE:
            slots, labels = relabelling.at(first, second)
            distances = wasserstein.relabelled(pooled[slots], labels, self.along)
            self.values[name, "sliced_wasserstein"][snapshot] = distances

    def result(self) -> dict[str, dict[str, Distance]]:
        """Return the distances by model and kind."""
        found: dict[str, dict[str, Distance]] = {}
        for (name, kind), values in self.values.items():
            found.setdefault(name, {})[kind] = distance(values, self.counts[name, kind])
        return found
