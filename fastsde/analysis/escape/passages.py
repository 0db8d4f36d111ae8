"""First passages from saddle to saddle: how long a trajectory stays at a rank, and how its stay ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fastsde.analysis.protocols import Bools, Floats


@dataclass(frozen=True)
class Passages:
    """Stays of several trajectories, each ended by a passage, by an divergence, or by the end of the run.

    Attributes
    ----------
    time : ndarray, shape (trajectory,)
        Length of the stay, as far as it is known.
    escaped, diverged : ndarray of bool, shape (trajectory,)
        How it ended; where neither, it is censored.
    """

    time: Floats
    escaped: Bools
    diverged: Bools

    @property
    def count(self) -> int:
        """Number of trajectories at risk."""
        return len(self.time)


def joined(many: Sequence[Passages]) -> Passages:
    """Put the stays of several groups together.

    Examples
    --------
    >>> one = Passages(np.array([1.0]), np.array([True]), np.array([False]))
    >>> joined([one, one]).time.tolist()
    [1.0, 1.0]
    """
    if not many:
        return Passages(np.empty(0), np.empty(0, dtype=bool), np.empty(0, dtype=bool))
    names = ("time", "escaped", "diverged")
    return Passages(*(np.concatenate([getattr(one, name) for one in many]) for name in names))


def passages(passage: Floats, diverged: Floats, end: float | Floats, start: Floats | None = None) -> Passages:
    """Stays from `start` (0 by default) to a passage; the hook for any first-passage data.

    Parameters
    ----------
    passage, diverged : ndarray, shape (trajectory,)
        Times of the passage and of the divergence, NaN if never.
    end : float or ndarray, shape (trajectory,)
        Time up to which trajectories were followed: the end of the run, or when they stopped.
    start : ndarray, shape (trajectory,), optional
        When the stay began, NaN if never: those trajectories are left out.

    Examples
    --------
    >>> nan = float("nan")
    >>> found = passages(np.array([2.0, nan, nan]), np.array([nan, nan, 1.0]), end=9.0)
    >>> found.time.tolist(), found.escaped.tolist(), found.diverged.tolist()
    ([2.0, 9.0, 1.0], [True, False, False], [False, False, True])
    """
    begin = np.zeros(len(passage)) if start is None else start
    risk = np.isfinite(begin)
    end = np.broadcast_to(end, len(risk))[risk]
    passage, diverged, begin = passage[risk], diverged[risk], begin[risk]
    escaped = np.isfinite(passage)
    gone = ~escaped & np.isfinite(diverged)
    last = np.where(escaped, passage, np.where(gone, diverged, end))
    return Passages(np.maximum(last - begin, 0.0), np.asarray(escaped), np.asarray(gone))


def stays(learned: Floats, diverged: Floats, end: float | Floats) -> list[Passages]:
    """Stays at rank 0, 1, ...: from the passage that brought the trajectory there to the next one.

    A trajectory has rank r between the r-th and the next of its modes' learning times, in whatever order it
    learns them. Lengths of stays after the first are censored at a time that depends on when they began;
    where long stays at two ranks go together this biases the later curve (gap times; Cook and Lawless 2007,
    section 4.4).

    Parameters
    ----------
    learned : ndarray, shape (trajectory, mode)
        Learning times, NaN if never.
    diverged : ndarray, shape (trajectory,)
        NaN if never.
    end : float or ndarray, shape (trajectory,)
        As for `passages`.

    Examples
    --------
    >>> nan = float("nan")
    >>> first, second = stays(np.array([[5.0, 2.0], [3.0, nan]]), np.array([nan, nan]), end=10.0)
    >>> first.time.tolist(), second.time.tolist(), second.escaped.tolist()
    ([2.0, 3.0], [3.0, 7.0], [True, False])
    """
    order = np.sort(learned, axis=1)  # NaN last
    arrival = np.concatenate([np.zeros((len(order), 1)), order[:, :-1]], axis=1)
    return [passages(order[:, r], diverged, end, arrival[:, r]) for r in range(order.shape[1])]
