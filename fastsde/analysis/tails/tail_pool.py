"""Values of many snapshots on one scale, in bounded memory, for the estimates of their tail."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fastsde.analysis.protocols import Floats
from fastsde.analysis.tails import lasting
from fastsde.analysis.tails.estimators import hill
from fastsde.analysis.tails.tail_estimate import TailEstimate
from fastsde.analysis.tails.tail_report import TailReport, positive_scale, tail_report

WINDOWS = 12
"""Largest number of windows of adjacent snapshots."""


@dataclass(frozen=True)
class Rows:
    """Values of a few snapshots.

    Attributes
    ----------
    values : ndarray, shape (snapshot, trajectory, column)
    scale : ndarray, shape (snapshot, trajectory, 1 or column), or None
        Scale of each value, where known.
    largest : ndarray, shape (column,)
        Largest size of a value, as it was added.
    """

    values: Floats
    scale: Floats | None
    largest: Floats

    def own(self) -> Rows:
        """Return the values in units of their scale."""
        return self if self.scale is None else Rows(self.values / self.scale, None, self.largest)

    def report(self) -> TailReport:
        """Estimate the tail of every column, all snapshots together, with the trajectory as the unit."""
        snapshots, trajectories, columns = self.values.shape
        unit = np.tile(np.arange(trajectories), snapshots)
        group = np.repeat(np.arange(snapshots), trajectories)
        scale = None if self.scale is None else self.scale.reshape(len(unit), -1)
        return tail_report(self.values.reshape(-1, columns), scale, unit, group=group)

    def lasting(self) -> list[TailEstimate]:
        """Index of every column in units of a scale that lasts between snapshots."""
        own = self.own().values
        return [lasting.estimate(own[:, :, column]) for column in range(own.shape[2])]


class TailPool:
    """Takes a quantity snapshot by snapshot, the first trajectories only.

    Each snapshot is divided by its median size, in units of the scale where that is known: the law of a
    pool is then not a mixture of the sizes of its snapshots.

    Parameters
    ----------
    snapshots : int
        How many will be added.
    limit : int
        About how many values of a column are kept, and the most of one snapshot that are looked at.
    centre : bool
        Subtract each snapshot's median first: for quantities that do not have mean zero.

    Examples
    --------
    >>> pool = TailPool(snapshots=3, limit=6000)
    >>> rng = np.random.default_rng(0)
    >>> for size in (1.0, 10.0, 100.0):
    ...     pool.add(size * rng.standard_normal((1000, 1)))
    >>> pool.rows(0, 2).report().verdict
    ('light',)
    """

    def __init__(self, snapshots: int, limit: int, centre: bool = False) -> None:
        self.limit = limit
        self.centre = centre
        self.share = max(1, limit // max(1, snapshots))
        self.estimates: list[list[TailEstimate]] = []
        self._values: list[Floats] = []
        self._scale: list[Floats | None] = []
        self._largest: list[Floats] = []

    def add(self, values: Floats, scale: Floats | None = None) -> None:
        """Add one snapshot, shape (trajectory, column), and scales, shape (trajectory,) or like it.

        A row that is not finite is NaN from here on, as is a value without a positive scale.
        """
        x = np.asarray(values[: self.limit], dtype=np.float64)
        x = np.where(np.isfinite(x).all(axis=1, keepdims=True), x, np.nan)
        unit = None if scale is None else positive_scale(scale[: self.limit])
        if unit is not None:
            unit = unit / _median(unit)
            x = np.where(np.isnan(unit), np.nan, x)
        if self.centre:
            x = x - _median(x)
        self._largest.append(np.max(np.abs(np.nan_to_num(x)), axis=0, initial=0.0))
        size = _median(np.abs(x if unit is None else x / unit))
        x = x / np.where(size > 0, size, np.nan)
        own = x if unit is None else x / unit
        self.estimates.append([hill.estimate(column[np.isfinite(column)]) for column in own.T])
        self._values.append(x[: self.share].copy())  # a view would keep the whole snapshot
        self._scale.append(None if unit is None else unit[: self.share].copy())

    def rows(self, first: int, last: int) -> Rows:
        """Return the values kept of snapshots ``first`` to ``last``, both included."""
        here = slice(first, last + 1)
        scales = [one for one in self._scale[here] if one is not None]
        largest = np.max(self._largest[here], axis=0)
        return Rows(np.stack(self._values[here]), np.stack(scales) if scales else None, largest)


def windows(first: int, snapshots: int) -> list[tuple[int, int]]:
    """Cut the snapshots from ``first`` on into windows of nearly equal numbers: first and last of each.

    Examples
    --------
    >>> windows(1, 4)
    [(1, 1), (2, 2), (3, 3)]
    """
    pieces = np.array_split(np.arange(first, snapshots), min(WINDOWS, max(1, snapshots - first)))
    return [(int(piece[0]), int(piece[-1])) for piece in pieces if piece.size]


def _median(values: Floats) -> Floats:
    """Median of each column over what is not NaN; NaN where nothing is."""
    finite = np.isfinite(values)
    if finite.all() and len(values):
        return np.asarray(np.median(values, axis=0))
    known = finite.any(axis=0)
    medians = np.full(values.shape[1], np.nan)
    if known.any():
        ordered = np.sort(values[:, known], axis=0)  # NaN comes last
        count = np.sum(~np.isnan(ordered), axis=0)
        column = np.arange(len(count))
        medians[known] = (ordered[(count - 1) // 2, column] + ordered[count // 2, column]) / 2
    return medians
