"""What a distance between two laws is: its declaration, and how it is measured on two samples.

A distance is one module that makes one `Distance` and registers it (`fastsde.analysis.distances.registry`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from fastsde.analysis.distances.permutation import Relabelling
from fastsde.analysis.protocols import Bools, Floats
from fastsde.system.registry import LAST

if TYPE_CHECKING:
    from fastsde.analysis.settings import Settings

SMALLEST_SAMPLE = 10
"""Fewer survivors per sample than this give no distance."""

LEAST_STATES = 5
"""Fewer states per sample have too few ways to be permuted: the smallest p-value of four would be 1 in 35."""

INFINITE = "infinite: a sample does not spread in every direction"


@dataclass(frozen=True)
class Compared:
    """Outcome of one comparison.

    Attributes
    ----------
    values : ndarray, shape (1 + permutation,), or None
        The observed distance first, then those under permuted labels; None where fewer than ten trajectories
        per sample survive.
    count : int
        Trajectories per sample that were used.
    left_out : ndarray, shape (group,), or None
        The distance without each group of trajectories, for the jackknife; None for most distances.
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
    settings : Settings
        Exponents, neighbours, blur and seed.
    branches : int
        Number of consecutive trajectories that start from one state, and are permuted together.
    centre : ndarray, shape (coordinate,)
        Median of the points at this snapshot.
    bandwidth : float
        Kernel width h at this snapshot.
    rounding : float
        Differences below it may be rounding.
    """

    coordinates: tuple[str, ...]
    settings: Settings
    branches: int
    centre: Floats
    bandwidth: float
    rounding: float

    @classmethod
    def of(cls, coordinates: Sequence[str], settings: Settings, branches: int = 1) -> Frame:
        """Return the frame of these coordinates; centre, bandwidth and rounding are set by `at`."""
        return cls(tuple(coordinates), settings, branches, np.zeros(len(coordinates)), 1.0, 0.0)

    def at(self, centre: Floats, bandwidth: float, rounding: float = 0.0) -> Frame:
        """Return the frame of a snapshot whose points lie around ``centre``, about ``bandwidth`` apart."""
        return replace(self, centre=centre, bandwidth=bandwidth, rounding=rounding)


Relabelled = Callable[[Floats, Bools, Frame], Floats]
"""From pooled points, shape (2n, coordinate), labels, shape (labelling, 2n), and the frame to the distance
between the points that are labelled True and the others, shape (labelling,)."""


@dataclass(frozen=True)
class Distance:
    """Declaration of a distance between two laws.

    Attributes
    ----------
    name : str
        Key in results.
    label : str
        Name in tables and figures.
    units : str
        Of its values. A coordinate is a mode as a share of its strength, a decade of loss, or a coordinate of
        a landscape.
    relabelled : callable
        The distance under many labellings of a pooled sample; see `over_labellings` for a function of two
        samples.
    moments : float or callable
        Order of the moments that must exist, 0 if none; or a function of the settings.
    limit : int or callable
        Most trajectories per sample that are used, the first ones; or a function of the settings.
    diverged : bool
        Whether diverged trajectories count, as a state of their own. Elsewhere only survivors are compared.
    every_snapshot : bool
        Whether it is cheap enough to be measured at every snapshot, and not only at a few.
    all_pairs : bool
        Whether the section ``pairs`` measures it between any two models.
    unbiased : bool
        Whether its estimate is zero on average between equal laws, so that it may be negative.
    linear : bool
        Whether its cost is linear in the sample, so that it is measured at more snapshots between all pairs.
    primary : bool
        Whether it exists for every law and sees all trajectories, so that where it has no number none has.
        One distance is.
    refused : callable, optional
        From two samples and the frame to why there is no number for them; empty if there is.
    phrase : str
        Name within a sentence; the label by default.
    detects, exists : str
        Which differences of two laws it sees, and for which laws it exists, in words.
    equation, source : str
        Its definition and where it is from.
    order : int
        Place among the other distances.
    """

    name: str
    label: str
    units: str
    relabelled: Relabelled
    moments: float | Callable[[Settings], float] = 0.0
    limit: int | Callable[[Settings], int] = 256
    diverged: bool = False
    every_snapshot: bool = False
    all_pairs: bool = False
    unbiased: bool = False
    linear: bool = False
    primary: bool = False
    refused: Callable[[Floats, Floats, Frame], str] | None = None
    phrase: str = ""
    detects: str = ""
    exists: str = "always"
    equation: str = ""
    source: str = ""
    order: int = LAST

    def moments_needed(self, settings: Settings) -> float:
        """Return the order of the moments that must exist; 0 if none."""
        return self.moments(settings) if callable(self.moments) else self.moments

    def largest_sample(self, settings: Settings) -> int:
        """Return how many trajectories per sample are used at most."""
        return self.limit(settings) if callable(self.limit) else self.limit

    @property
    def words(self) -> str:
        """Name within a sentence."""
        return self.phrase or self.label

    def labelling(self, trajectories: int, frame: Frame) -> Relabelling:
        """Return the permutations of two samples of this many trajectories."""
        settings = frame.settings
        size = min(self.largest_sample(settings), trajectories) // frame.branches * frame.branches
        return permuted(size, settings.permutations, settings.seed, frame.branches)

    def compare(self, first: Floats, second: Floats, relabelling: Relabelling, frame: Frame) -> Compared:
        """Measure the distance of two samples under the observed labelling and the permuted ones.

        Parameters
        ----------
        first, second : ndarray, shape (n, coordinate)
            Points, NaN where a trajectory diverged; no fewer than the labelling has.
        relabelling : Relabelling
            From `labelling`.
        frame : Frame
            Of this snapshot.

        Returns
        -------
        Compared
        """
        reason = self._too_few_states(relabelling.units, frame)
        if reason:
            return Compared(None, 0, reason=reason)
        size = relabelling.size
        first, second = first[:size], second[:size]
        survive = [np.isfinite(sample).all(axis=1) for sample in (first, second)]
        survivors = [int(marks.sum()) for marks in survive]
        enough = max(survivors) if self.diverged else min(survivors)  # who diverged is a difference too
        if enough < SMALLEST_SAMPLE:
            return too_few(enough)
        everyone = np.ones(size, dtype=np.bool_)
        slots, labels = relabelling.at(*([everyone] * 2 if self.diverged else survive))
        pooled, count = np.concatenate([first, second])[slots], len(slots) // 2
        if np.all(pooled == pooled[0]):
            return Compared(np.zeros(len(labels)), count)
        reason = self.refused(pooled[:count], pooled[count:], frame) if self.refused else ""
        if reason:
            return Compared(None, count, reason=reason)
        values = self.relabelled(pooled, labels, frame)
        return Compared(values, count, reason="" if np.isfinite(values).all() else INFINITE)

    def compare_pairs(
        self,
        firsts: Sequence[Floats],
        seconds: Sequence[Floats],
        places: Iterable[tuple[int, int]],
        relabelling: Relabelling,
        frame: Frame,
        apply: Callable[..., Iterable[Any]] = map,
    ) -> list[Compared]:
        """Compare many pairs of samples.

        Parameters
        ----------
        firsts, seconds : sequence of ndarray, shape (n, coordinate)
            The samples.
        places : iterable of tuple of int
            For each pair the number of its first and of its second sample.
        relabelling : Relabelling
        frame : Frame
        apply : callable
            As `map`: to compare pairs at the same time.
        """

        def compare(place: tuple[int, int]) -> Compared:
            return self.compare(firsts[place[0]], seconds[place[1]], relabelling, frame)

        return list(apply(compare, places))

    def _too_few_states(self, states: int, frame: Frame) -> str:
        if frame.branches == 1 or states >= LEAST_STATES:
            return ""
        if states == 0:
            limit = self.largest_sample(frame.settings)
            return f"too few: a state has {frame.branches} branches, this distance takes {limit} trajectories"
        return f"too few: {states} {'state' if states == 1 else 'states'} per sample"


def over_labellings(between: Callable[[Floats, Floats], float]) -> Relabelled:
    """Turn a distance of two samples into one under many labellings: its value for each of them.

    Parameters
    ----------
    between : callable
        From two samples, shape (n, coordinate) each, to a number.

    Examples
    --------
    >>> means = over_labellings(lambda x, y: float(abs(x.mean() - y.mean())))
    >>> labels = np.array([[True, True, False, False], [True, False, True, False]])
    >>> means(np.array([[0.0], [2.0], [4.0], [6.0]]), labels, None).tolist()
    [4.0, 2.0]
    """

    def relabelled(pooled: Floats, labels: Bools, frame: Frame) -> Floats:
        return np.array([between(pooled[marks], pooled[~marks]) for marks in labels], dtype=np.float64)

    return relabelled


def too_few(survivors: int) -> Compared:
    """Return the outcome of a comparison of samples of which so few trajectories survive."""
    surviving = "trajectory survives" if survivors == 1 else "trajectories survive"
    return Compared(None, survivors, reason=f"too few: {survivors} {surviving} per sample")


@lru_cache(maxsize=8)
def permuted(size: int, permutations: int, seed: int, branches: int = 1) -> Relabelling:
    """Return the permutations of two samples of one size; those of the last few sizes are kept."""
    return Relabelling(size, permutations, seed, branches)
