"""Labellings of a pooled sample, the trajectory or its state of origin as the unit, for permutation tests."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fastsde.analysis.protocols import Bools


class Relabelling:
    """The observed labelling and random ones, the same at every snapshot.

    A permuted trajectory keeps its label through time, so that statistics of the whole run (the mean or the
    largest value over snapshots) have an exact null law too. Where trajectories have diverged, the first
    equally many survivors of either sample are used, and among them each permutation again marks half.
    Trajectories that branch from one state share its accidents, and are permuted together. A trajectory has
    the same random numbers whatever the size, so that permutations of samples of different sizes correspond.

    Parameters
    ----------
    size : int
        Trajectories of either sample, n.
    permutations : int
        Number of random labellings P.
    seed : int
        Seed of the labellings.
    branches : int
        Number of consecutive trajectories of a sample that are one unit; a divisor of ``size``.

    Examples
    --------
    >>> slots, labels = Relabelling(3, 5, seed=0).at(np.array([True, False, True]), np.ones(3, bool))
    >>> slots.tolist(), labels.shape, labels.sum(axis=1).tolist()
    ([0, 2, 3, 4], (6, 4), [2, 2, 2, 2, 2, 2])
    >>> _, pairs = Relabelling(4, 99, seed=0, branches=2).at(np.ones(4, bool), np.ones(4, bool))
    >>> bool(np.all(pairs[:, 0::2] == pairs[:, 1::2]))
    True
    """

    def __init__(self, size: int, permutations: int, seed: int, branches: int = 1) -> None:
        self.size = size
        self.units = size // branches
        units = [
            np.random.Generator(np.random.Philox([seed, sample])).random(
                (self.units, permutations), np.float32
            )
            for sample in range(2)
        ]
        self._keys = np.repeat(np.ascontiguousarray(np.concatenate(units).T), branches, axis=1)
        self._last: tuple[bytes, Bools] | None = None

    def at(self, first: Bools, second: Bools) -> tuple[NDArray[np.intp], Bools]:
        """Return the pooled slots in use and the labellings of them, the observed one in row 0.

        Parameters
        ----------
        first, second : ndarray of bool, shape (n,)
            Which trajectories of either sample are finite here.

        Returns
        -------
        slots : ndarray of int, shape (2m,)
            m slots of the first sample, then m of the second (numbered from n).
        labels : ndarray of bool, shape (1 + P, 2m)
        """
        count = min(int(first.sum()), int(second.sum()))
        slots = np.concatenate([np.flatnonzero(first)[:count], self.size + np.flatnonzero(second)[:count]])
        key = slots.tobytes()
        last = self._last
        if last is None or last[0] != key:
            self._last = last = (key, self._labels(slots, count))
        return slots, last[1]

    def _labels(self, slots: NDArray[np.intp], count: int) -> Bools:
        labels = np.zeros((1 + len(self._keys), 2 * count), dtype=np.bool_)
        labels[0, :count] = True
        if count:
            chosen = np.argpartition(self._keys[:, slots], count - 1, axis=1)[:, :count]
            np.put_along_axis(labels[1:], chosen, True, axis=1)
        return labels
