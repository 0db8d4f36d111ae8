"""Tail index of the noise of one step, mode by mode, grouped across trajectories, never across modes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from fastsde.analysis import hill, stability
from fastsde.analysis.protocols import Bools, Floats
from fastsde.analysis.tail_estimate import TailEstimate

POOLED_VALUES = 200_000
"""At most about so many values of a mode are pooled over snapshots: the first trajectories, all snapshots."""

GROUPS = 16
"""Groups of trajectories of the jackknife."""

WINDOWS = 12
"""At most so many windows of adjacent snapshots."""


@dataclass(frozen=True)
class Tails:
    """Tail indices of the update noise u_a^T (W' - E W') v_a.

    Attributes
    ----------
    index, low, high, k : ndarray, shape (snapshot, mode)
        Hill's index across trajectories at one snapshot, its 95 % interval, and the order statistics used.
    window : ndarray, shape (window, 2)
        First and last snapshot of windows of adjacent snapshots, step 0 left out.
    window_index, window_low, window_high : ndarray, shape (window, mode)
        The index of the snapshots of a window together, each divided by its median size first; the interval
        is a jackknife over groups of whole trajectories.
    pooled_index, pooled_low, pooled_high : ndarray, shape (mode,)
        The same of all snapshots together.
    pooled_count : ndarray, shape (mode,)
        Values pooled.
    stable_index : ndarray, shape (mode, sum)
        Index assuming a stable law, for sums of 1, 4 and 16 values: constant if stable, towards 2 if not.
    gaussian_index, gaussian_window, gaussian_pooled : float
        What Hill's estimate gives for Gaussian values of the same number: no finite sample gives infinity.
    """

    index: Floats
    low: Floats
    high: Floats
    k: Floats
    window: Floats
    window_index: Floats
    window_low: Floats
    window_high: Floats
    pooled_index: Floats
    pooled_low: Floats
    pooled_high: Floats
    pooled_count: Floats
    stable_index: Floats
    gaussian_index: float
    gaussian_window: float
    gaussian_pooled: float


class TailCollector:
    """Takes update noise snapshot by snapshot, in bounded memory, and gives its `Tails`.

    Parameters
    ----------
    snapshots : int
        How many snapshots will be added.

    Examples
    --------
    >>> collector = TailCollector(snapshots=2)
    >>> for _ in range(2):
    ...     collector.add(np.random.default_rng(0).standard_t(3, (400, 1)))
    >>> tails = collector.result()
    >>> tails.index.shape, bool(2 < tails.pooled_index[0] < 5)
    ((2, 1), True)
    """

    def __init__(self, snapshots: int) -> None:
        self._share = max(1, POOLED_VALUES // max(1, snapshots))
        self._estimates: list[list[TailEstimate]] = []
        self._rows: list[Floats] = []
        self._count = 0

    def add(self, noise: Floats) -> None:
        """Add one snapshot, shape (trajectory, mode); rows that are not finite are left out."""
        values = np.asarray(noise, dtype=np.float64)
        finite = values[np.isfinite(values).all(axis=1)]
        self._count = max(self._count, len(finite))
        self._estimates.append([hill.estimate(column) for column in finite.T])
        self._rows.append(_scaled(values[: self._share]))

    def result(self) -> Tails:
        """Return the tail indices of what was added."""
        pooled = np.stack(self._rows)
        modes = pooled.shape[2]
        window = _windows(len(pooled))
        parts = [[_pooled(pooled[a : b + 1, :, mode]) for mode in range(modes)] for a, b in window]
        windowed = np.array(parts).reshape(len(window), modes, 3)
        whole = [_pooled(pooled[:, :, mode]) for mode in range(modes)]
        counts = np.array([float(np.isfinite(pooled[:, :, mode]).sum()) for mode in range(modes)])
        return Tails(
            index=self._field("index"),
            low=self._field("low"),
            high=self._field("high"),
            k=self._field("k"),
            window=np.array(window, dtype=np.float64).reshape(-1, 2),
            window_index=windowed[:, :, 0],
            window_low=windowed[:, :, 1],
            window_high=windowed[:, :, 2],
            pooled_index=np.array([estimate[0] for estimate in whole]),
            pooled_low=np.array([estimate[1] for estimate in whole]),
            pooled_high=np.array([estimate[2] for estimate in whole]),
            pooled_count=counts,
            stable_index=np.array([_stable(pooled[:, :, mode]) for mode in range(modes)]),
            gaussian_index=gaussian_index(self._count),
            gaussian_window=gaussian_index(int(counts.max(initial=0)) // max(1, len(window))),
            gaussian_pooled=gaussian_index(int(counts.max(initial=0))),
        )

    def _field(self, name: str) -> Floats:
        return np.array([[float(getattr(one, name)) for one in row] for row in self._estimates])


@lru_cache(maxsize=64)
def gaussian_index(count: int) -> float:
    """Median of Hill's estimate over 25 fixed Gaussian samples of this size; NaN below 100 values.

    Examples
    --------
    >>> bool(gaussian_index(1000) > 4)
    True
    """
    generator = np.random.Generator(np.random.Philox(count))
    return float(np.median([hill.estimate(generator.standard_normal(count)).index for _ in range(25)]))


def _windows(snapshots: int) -> list[tuple[int, int]]:
    """Cut the snapshots after the first into windows of nearly equal numbers: first and last of each."""
    pieces = np.array_split(np.arange(1, snapshots), min(WINDOWS, max(1, snapshots - 1)))
    return [(int(piece[0]), int(piece[-1])) for piece in pieces if piece.size]


def _scaled(values: Floats) -> Floats:
    """Divide each column by its median size; NaN where that is zero or where a row is not finite."""
    finite: Bools = np.asarray(np.isfinite(values).all(axis=1))
    size = np.median(np.abs(values[finite]), axis=0) if finite.any() else np.zeros(values.shape[1])
    return np.where(finite[:, None], values / np.where(size > 0, size, np.nan), np.nan)


def _pooled(rows: Floats) -> tuple[float, float, float]:
    """Hill's index of all finite values, with a jackknife interval over groups of trajectories (columns)."""
    whole = hill.estimate(rows[np.isfinite(rows)])
    if not math.isfinite(whole.index):
        return whole.index, whole.low, whole.high
    groups = np.arange(rows.shape[1]) % GROUPS
    logs = []
    for group in range(min(GROUPS, rows.shape[1])):
        rest = rows[:, groups != group]
        rest = rest[np.isfinite(rest)]
        logs.append(math.log(hill.hill(rest, max(1, whole.k * len(rest) // int(np.isfinite(rows).sum())))))
    spread = math.sqrt((len(logs) - 1) * float(np.var(logs)))
    return whole.index, whole.index * math.exp(-1.96 * spread), whole.index * math.exp(1.96 * spread)


def _stable(rows: Floats) -> Floats:
    """Stable indices of sums, over the trajectories that are finite in every snapshot used."""
    known = np.isfinite(rows)
    filled = np.flatnonzero(known.any(axis=1))
    whole = np.flatnonzero(np.isfinite(rows[filled]).all(axis=0))
    used = rows[np.ix_(filled, whole)]
    return np.array([one.index for one in stability.indices_of_sums(used.ravel())])
