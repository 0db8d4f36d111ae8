"""Timing on a machine with other load: alternating runs, several rounds, with their range."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Rate", "calls_for", "in_turns", "seconds"]


@dataclass(frozen=True)
class Rate:
    """A repeated measurement, in units per second.

    Parameters
    ----------
    best, median, worst : float
    """

    best: float
    median: float
    worst: float

    @classmethod
    def of(cls, values: Sequence[float] | NDArray[np.float64]) -> Rate:
        """Summarise repeats.

        Examples
        --------
        >>> Rate.of([1.0, 4.0, 2.0])
        Rate(best=4.0, median=2.0, worst=1.0)
        """
        return cls(float(np.max(values)), float(np.median(values)), float(np.min(values)))


def seconds(function: Callable[[], object]) -> float:
    """Return the wall-clock time of one call."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def in_turns(functions: Sequence[Callable[[], object]], rounds: int) -> list[list[float]]:
    """Time functions alternately, A B C A B C ..., so that a slow period of the machine affects all of them.

    Every second round runs in reverse order, so that no function always follows the same other one.

    Returns
    -------
    list of list of float
        Seconds: one list per function, one entry per round.

    Examples
    --------
    >>> [len(times) for times in in_turns([lambda: None, lambda: None], rounds=3)]
    [3, 3]
    """
    times: list[list[float]] = [[] for _ in functions]
    for turn in range(rounds):
        order = list(enumerate(functions))
        for index, function in order if turn % 2 == 0 else reversed(order):
            times[index].append(seconds(function))
    return times


def calls_for(work: Callable[[int], object], target: float, first: int = 1, most: int = 1 << 30) -> int:
    """Return how many repetitions make ``work(repetitions)`` take about `target` seconds.

    The first call is not timed, since it may compile.

    Examples
    --------
    >>> calls_for(lambda repetitions: None, 1e-9)
    1
    """
    count = first
    work(count)
    while True:
        start = time.perf_counter()
        work(count)
        taken = max(time.perf_counter() - start, 1e-9)
        if taken >= target / 4 or count >= most:
            return min(most, max(1, round(count * target / taken)))
        count = min(most, count * max(2, min(64, int(target / taken))))
