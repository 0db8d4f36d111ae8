"""Visits to saddles along trajectories: plateaus of gradient and loss, distinguished by the modes kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fastsde.analysis.protocols import Bools, Floats

__all__ = ["Rules", "VisitTracker", "Visits", "kept_modes"]

Integers = NDArray[np.int64]
MOST_MODES = 62
"""Modes that a set held in one integer can hold; weaker ones are not looked at."""


@dataclass(frozen=True)
class Rules:
    """When a trajectory is said to be at a saddle; all of it at `checks` snapshots in a row or more.

    Parameters
    ----------
    gradient : float
        The full gradient's norm is at most this share of its usual largest value over a run.
    rate : float
        Relative rate of descent ``|grad L|^2 / (L - L_min)``, at most this share of its usual largest value.
    loss : float
        The loss is within this share of the plateau's height above the minimum (where it is known which
        modes saddles keep).
    checks : int
    negative : float
        A negative eigenvalue at a visiting state counts if it lies below minus this share of the
        largest eigenvalue at the balanced minimum, by more than its error bound.
    """

    gradient: float = 0.2
    rate: float = 0.1
    loss: float = 0.1
    checks: int = 2
    negative: float = 0.01


@dataclass(frozen=True)
class Visits:
    """Visits, one row each: all stays of one trajectory with the same modes kept.

    Attributes
    ----------
    trajectory, kept : ndarray of int, shape (visit,)
        Number of the trajectory, and the set of modes kept as the bits of a number.
    entry, last : ndarray of int, shape (visit,)
        First and last snapshot there.
    closest : ndarray of int, shape (visit,)
        Snapshot of least gradient.
    there : dict of str to ndarray, shape (visit,)
        What was known at that snapshot.
    """

    trajectory: Integers
    kept: Integers
    entry: Integers
    last: Integers
    closest: Integers
    there: dict[str, Floats]


def kept_modes(modes: Floats, strength: Floats) -> Integers:
    """Return the set of modes above half of their strength, bit k for mode k + 1; -1 where not finite.

    Parameters
    ----------
    modes : ndarray, shape (trajectory, mode)
    strength : ndarray, shape (mode,)
        Modes below a hundredth of the strongest are left out.

    Examples
    --------
    >>> kept_modes(np.array([[9.0, 0.0], [1.0, 4.0], [9.0, 5.0]]), np.array([10.0, 5.0]))
    array([1, 2, 3])
    """
    worth = np.flatnonzero(strength > 0.01 * strength[0])[:MOST_MODES]
    bits = (modes[:, worth] > strength[worth] / 2) @ (1 << np.arange(len(worth), dtype=np.int64))
    return np.asarray(np.where(np.isfinite(modes).all(axis=1), bits, -1), dtype=np.int64)


class VisitTracker:
    """Takes snapshots in order and gives the visits, in memory that does not grow with their number.

    Parameters
    ----------
    count : int
        Trajectories.
    checks : int
        Snapshots in a row that make a visit.

    Examples
    --------
    >>> tracker = VisitTracker(count=1, checks=2)
    >>> for snapshot, (there, gradient) in enumerate([(True, 3.0), (True, 1.0), (False, 9.0)]):
    ...     tracker.add(snapshot, np.array([0]), np.array([there]), np.array([gradient]), {})
    >>> found = tracker.visits()
    >>> found.kept.tolist(), found.entry.tolist(), found.last.tolist(), found.closest.tolist()
    ([0], [0], [1], [1])
    """

    def __init__(self, count: int, checks: int) -> None:
        self.checks = checks
        self.kept = np.full(count, -1, dtype=np.int64)
        self.entry, self.last, self.closest = (np.zeros(count, dtype=np.int64) for _ in range(3))
        self.length = np.zeros(count, dtype=np.int64)
        self.least = np.full(count, np.inf)
        self.there: dict[str, Floats] = {}
        self.done: list[Visits] = []

    def add(
        self, snapshot: int, kept: Integers, plateau: Bools, gradient: Floats, known: Mapping[str, Floats]
    ) -> None:
        """Add one snapshot: the modes kept, who is on a plateau, the gradient's norm, and what is to be kept.

        Parameters
        ----------
        snapshot : int
        kept : ndarray of int, shape (trajectory,)
            From `kept_modes`.
        plateau : ndarray of bool, shape (trajectory,)
        gradient : ndarray, shape (trajectory,)
        known : mapping of str to ndarray, shape (trajectory,)
            Values to remember where the gradient is least.
        """
        here = np.where(plateau, kept, -1)
        changed = here != self.kept
        self._close(changed)
        self.kept = np.where(changed, here, self.kept)
        self.entry[changed], self.length[changed], self.least[changed] = snapshot, 0, np.inf
        self.length[here >= 0] += 1
        self.last[here >= 0] = snapshot
        nearer = (here >= 0) & (gradient < self.least)
        self.least[nearer], self.closest[nearer] = gradient[nearer], snapshot
        for name, values in known.items():
            self.there.setdefault(name, np.full(len(here), np.nan))[nearer] = values[nearer]

    def visits(self) -> Visits:
        """End all stays, join those of a trajectory at the same saddle, and return them by trajectory."""
        self._close(np.ones(len(self.kept), dtype=bool))
        self.kept[:] = -1
        names = ("trajectory", "kept", "entry", "last", "closest")
        joined = {n: np.concatenate([getattr(v, n) for v in self.done] or [np.zeros(0, int)]) for n in names}
        names_there = {name: None for visits in self.done for name in visits.there}
        there = {name: np.concatenate([visits.there[name] for visits in self.done]) for name in names_there}
        return _merged(Visits(**joined, there=there))

    def _close(self, changed: Bools) -> None:
        ended = np.flatnonzero(changed & (self.kept >= 0) & (self.length >= self.checks))
        if ended.size:
            there = {name: values[ended] for name, values in self.there.items()}
            self.done.append(
                Visits(
                    trajectory=ended,
                    kept=self.kept[ended],
                    entry=self.entry[ended],
                    last=self.last[ended],
                    closest=self.closest[ended],
                    there={**there, "gradient": self.least[ended]},
                )
            )


def _merged(visits: Visits) -> Visits:
    """Join the stays of a trajectory with the same modes kept; the closest approach is that of all."""
    if not visits.trajectory.size:
        return visits
    order = np.lexsort((visits.there["gradient"], visits.kept, visits.trajectory))
    trajectory, kept = visits.trajectory[order], visits.kept[order]
    first = np.flatnonzero(np.r_[True, (np.diff(trajectory) != 0) | (np.diff(kept) != 0)])
    return Visits(
        trajectory=trajectory[first],
        kept=kept[first],
        entry=np.minimum.reduceat(visits.entry[order], first),
        last=np.maximum.reduceat(visits.last[order], first),
        closest=visits.closest[order][first],
        there={name: values[order][first] for name, values in visits.there.items()},
    )
