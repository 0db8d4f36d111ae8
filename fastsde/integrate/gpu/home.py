"""Where the host keeps trajectories that are not on the device, and what was noted of all."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastsde.integrate.beginning import Beginning
from fastsde.integrate.checkpoint import Checkpoint

__all__ = ["Home"]

Array = NDArray[Any]


class Home:
    """Where the host keeps trajectories that are not on the device, and what was noted of all.

    Parameters
    ----------
    begin : Checkpoint or Beginning
    count, width, passages : int
        Trajectories, numbers of each, and first passages that are looked for.
    drawn_here : bool
        Whether starting points are made on the host.

    Attributes
    ----------
    points : (count, width) array
    there : (count,) bool array
        Whose rows of the points are up to date, when they are not on the device.
    diverged, passed : arrays
        As `fastsde.integrate.checkpoint.Checkpoint` has them.
    """

    def __init__(
        self, begin: Checkpoint | Beginning, count: int, width: int, passages: int, drawn_here: bool
    ) -> None:
        self.there = np.full(count, drawn_here)
        self._count, self._width, self._own = count, width, False
        if isinstance(begin, Checkpoint):
            self.points = begin.parameters
            self.diverged, self.passed = begin.diverged.copy(), begin.passed.copy()
        else:
            self.points = begin.points() if drawn_here else np.empty((0, width), begin.study.dtype)
            self.diverged = np.full(count, -1, np.int64)
            self.passed = np.full((count, passages), -1, np.int64)

    def has(self, rows: slice) -> bool:
        """Say whether the points of some trajectories are here."""
        return bool(self.there[rows].all())

    def room(self) -> Array:
        """Return the points to write to: a copy of those that were given."""
        if not self._own:
            given, self._own = self.points, True
            self.points = np.zeros((self._count, self._width), given.dtype)
            self.points[: len(given), : given.shape[1]] = given
        return self.points
