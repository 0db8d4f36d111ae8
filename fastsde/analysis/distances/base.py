"""What a distance between two samples is to all that compares: points in, distances under labellings out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from fastsde.analysis.distances.kinds import mmd
from fastsde.analysis.distances.kinds import mmd_features as random_features
from fastsde.analysis.distances.kinds import sliced_wasserstein as wasserstein
from fastsde.analysis.distances.permutation import Relabelling
from fastsde.analysis.protocols import Bools, Floats

if TYPE_CHECKING:
    from fastsde.analysis.settings import Settings

SMALLEST_SAMPLE = 10
"""Fewer survivors per sample than this give no distance."""

LEAST_STATES = 5
"""Fewer states per sample have too few ways to be shuffled: the smallest p-value of four would be 1 in 35."""


@dataclass(frozen=True)
class Compared:
    """Outcome of one comparison.

    Attributes
    ----------
    values : ndarray, shape (1 + permutation,), or None
        The observed distance first, then those of the shuffles; None where fewer than ten trajectories per
        sample survive.
    count : int
        Trajectories of either side that were used.
    left_out : ndarray, shape (group,), or None
        The distance without each group of trajectories, for the jackknife; None of most distances.
    reason : str
        Why there is no number; empty if there is one.
    """

    values: Floats | None
    count: int
    left_out: Floats | None = None
    reason: str = ""


@dataclass(frozen=True)
class Frame:
    """What all comparisons at one snapshot have in common, so that their distances can be compared.

    Attributes
    ----------
    coordinates : tuple of str
        Their names.
    along : ndarray, shape (direction, coordinate)
        Directions of the sliced distance.
    waves : ndarray, shape (frequency, coordinate)
        Frequencies of the random features.
    settings : Settings
        Exponents, neighbours, blur and seed.
    branches : int
        So many consecutive trajectories start from one state, and are the unit of shuffles together.
    centre : ndarray, shape (coordinate,)
        Middle of the points at this snapshot, the origin of the random features.
    bandwidth : float
        Kernel width h at this snapshot.
    rounding : float
        Differences below it may be rounding.
    """

    coordinates: tuple[str, ...]
    along: Floats
    waves: Floats
    settings: Settings
    branches: int
    centre: Floats
    bandwidth: float
    rounding: float

    @classmethod
    def of(cls, coordinates: Sequence[str], settings: Settings, branches: int = 1) -> Frame:
        """Draw directions and frequencies for these coordinates; centre, bandwidth and rounding: `at`."""
        size = len(coordinates)
        return cls(
            coordinates=tuple(coordinates),
            along=wasserstein.directions(size, settings.directions, settings.seed),
            waves=random_features.frequencies(size, settings.frequencies, settings.seed, mmd.SCALES),
            settings=settings,
            branches=branches,
            centre=np.zeros(size),
            bandwidth=1.0,
            rounding=0.0,
        )

    def at(self, centre: Floats, bandwidth: float, rounding: float = 0.0) -> Frame:
        """Return the frame of a snapshot whose points lie about ``centre``, about ``bandwidth`` apart."""
        return replace(self, centre=centre, bandwidth=bandwidth, rounding=rounding)


@dataclass(frozen=True)
class Metric:
    """A distance between laws.

    Attributes
    ----------
    name, title : str
        Key, and name for tables and figures.
    unit : str
        Of its values; a coordinate is a share of the strength of a mode, or a decade of loss.
    order : callable
        From the settings to the order of the moments that must exist; 0 if none.
    limit : callable
        From the settings to the number of trajectories per sample that are used at most.
    relabelled : callable
        (pooled points, labels, frame) to the distance under each labelling.
    exploded : bool
        Whether exploded trajectories take part, as a state of their own.
    blocks : bool
        Whether all trajectories are used, by sums over blocks, and blocks are shuffled.
    always : bool
        Whether it is cheap enough for every snapshot.
    refused : callable or None
        From two samples that take part and the frame to why there is no number for them; empty if there is.
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
    refused: Callable[[Floats, Floats, Frame], str] | None = None

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
            Of this snapshot.

        Returns
        -------
        Compared
        """
        if self.blocks:
            size = min(len(first), len(second))
            ours, theirs = (self.sums(side[:size], relabelling, frame) for side in (first, second))
            return self.of_sums(ours, theirs, relabelling, frame)
        refused = self._too_few_states(relabelling.units, frame)
        if refused:
            return Compared(None, 0, reason=refused)
        size = relabelling.size
        first, second = first[:size], second[:size]
        survive = [np.isfinite(side).all(axis=1) for side in (first, second)]
        survivors = [int(one.sum()) for one in survive]
        enough = max(survivors) if self.exploded else min(survivors)  # who diverged is a difference too
        if enough < SMALLEST_SAMPLE:
            return _none(enough)
        everyone = np.ones(size, dtype=np.bool_)
        slots, labels = relabelling.at(*([everyone] * 2 if self.exploded else survive))
        pooled, count = np.concatenate([first, second])[slots], len(slots) // 2
        if np.all(pooled == pooled[0]):
            return Compared(np.zeros(len(labels)), count)
        refused = self.refused(pooled[:count], pooled[count:], frame) if self.refused else ""
        if refused:
            return Compared(None, count, reason=refused)
        values = self.relabelled(pooled, labels, frame)
        return Compared(values, count, reason="" if np.isfinite(values).all() else INFINITE)

    def _too_few_states(self, states: int, frame: Frame) -> str:
        if frame.branches == 1 or states >= LEAST_STATES:
            return ""
        if states == 0 and not self.blocks:
            limit = self.limit(frame.settings)
            return f"too few: a state has {frame.branches} branches, this distance takes {limit} trajectories"
        return f"too few: {states} {'state' if states == 1 else 'states'} per sample"

    def sums(self, side: Floats, relabelling: Relabelling, frame: Frame) -> Floats:
        """Sum up one sample over blocks of whole states, which are what is shuffled."""
        blocks = max(relabelling.size, 1)
        unit = blocks * frame.branches
        return random_features.block_sums(
            side[: len(side) // unit * unit], frame.waves, frame.bandwidth, blocks, frame.centre
        )

    def of_sums(self, first: Floats, second: Floats, relabelling: Relabelling, frame: Frame) -> Compared:
        """Compare two samples of one size by their `sums`, which any number of comparisons may share."""
        size = int(first[:, -1].sum())
        refused = self._too_few_states(relabelling.units, frame)
        if refused:
            return Compared(None, 0, reason=refused)
        survivors = max(int(random_features.survivors(side)) for side in (first, second))
        if survivors < SMALLEST_SAMPLE:
            return _none(survivors)
        everywhere = np.ones(relabelling.size, dtype=np.bool_)
        _, labels = relabelling.at(everywhere, everywhere)
        pooled = np.concatenate([first, second])
        if np.all(pooled == pooled[0]):
            return Compared(np.zeros(len(labels)), size, np.zeros(random_features.GROUPS))
        values = self.relabelled(pooled, labels, frame)
        return Compared(values, size, random_features.left_out(first, second))


INFINITE = "infinite: a sample does not spread in every direction"


def _none(count: int) -> Compared:
    many = "trajectory survives" if count == 1 else "trajectories survive"
    return Compared(None, count, reason=f"too few: {count} {many} per sample")


@lru_cache(maxsize=8)
def shuffles(size: int, permutations: int, seed: int, branches: int = 1) -> Relabelling:
    """Return the shuffles of two samples of one size; those of the last few sizes are kept."""
    return Relabelling(size, permutations, seed, branches)
