"""Curves of each trajectory laid over each other at its own learning time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fastsde.analysis.features.clock import Clock
from fastsde.analysis.protocols import Bools, Floats, Trajectories

GRID = np.geomspace(0.25, 4.0, 49)
"""Times in units of the time at which the trajectory has learned half of the mode."""
CURVES = ("modes", "mode_diffusion", "mode_drift")
FEWEST = 10
"""Medians over fewer trajectories than this are not given."""


@dataclass(frozen=True)
class Aligned:
    """Medians over trajectories, each in its own time t / t_half; shape (grid, mode).

    Attributes
    ----------
    time : ndarray, shape (grid,)
    growth : ndarray
        Fraction of the mode's strength.
    diffusion, drift : ndarray
        In units of the trajectory's own largest value; NaN where not recorded.
    count : ndarray, shape (mode,)
        Trajectories.
    """

    time: Floats
    growth: Floats
    diffusion: Floats
    drift: Floats
    count: Floats


def align(view: Trajectories, half: Floats, strength: Floats, limit: int) -> Aligned | None:
    """Read the paths of the first trajectories and lay them over each other.

    Parameters
    ----------
    view : Trajectories
        With the modes and their diffusion.
    half : ndarray, shape (trajectory, mode)
        Reading of the `Clock` at half of the strength; NaN where never.
    strength : ndarray, shape (mode,)
    limit : int
        How many trajectories; memory is (grid x limit x modes), whatever the number of snapshots.

    Returns
    -------
    Aligned or None
        None where no trajectory learned half of a mode.
    """
    clock = Clock(view.step)
    learned = clock.steps(half[:limit])
    step = np.asarray(view.step, dtype=np.float64)[clock.snapshots]
    reader = _Reader(step, learned)
    unit = np.where(strength > 0, strength, np.nan)
    for place, snapshot in enumerate(clock.snapshots.tolist()):
        curves = np.full((len(CURVES), *learned.shape), np.nan)
        for row, name in enumerate(CURVES):
            if name in view.variables:
                curves[row] = view.read(name, snapshot, slice(limit))
        reader.add(place, np.stack([curves[0] / unit, *np.abs(curves[1:])]))
    usable = np.isfinite(learned) & (learned > 0) & reader.finite[0] & reader.finite[1]
    if not usable.any():
        return None
    shares = np.where(reader.largest > 0, reader.largest, np.nan)
    growth, diffusion, drift = reader.found
    return Aligned(
        GRID,
        _medians(growth, usable),
        _medians(diffusion / shares[1], usable),
        _medians(drift / shares[2], usable),
        usable.sum(axis=0).astype(np.float64),
    )


class _Reader:
    """Reads curves, one snapshot at a time, at the times ``GRID * learned`` of each, linearly in between.

    Attributes
    ----------
    found : ndarray, shape (kind, grid, trajectory, mode)
        NaN at times outside the run.
    finite : ndarray of bool, shape (kind, trajectory, mode)
        Whether the curve was finite throughout.
    largest : ndarray, shape (kind, trajectory, mode)
        Of all snapshots.
    """

    def __init__(self, step: Floats, learned: Floats) -> None:
        self.step = step
        times = GRID[:, None, None] * learned
        kinds = (len(CURVES), *learned.shape)
        self.found = np.full((len(CURVES), *times.shape), np.nan)
        self.finite: Bools = np.ones(kinds, dtype=bool)
        self.largest, self._before = np.zeros(kinds), np.full(kinds, np.nan)
        # in the order of the snapshots that follow them, so that each time is looked at once
        after = np.searchsorted(step, times)
        after[times == step[0]] = 1
        self._times, self._order = times.ravel(), np.argsort(after, axis=None, kind="stable")
        self._ends = np.searchsorted(after.ravel()[self._order], np.arange(len(step) + 1))

    def add(self, place: int, values: Floats) -> None:
        """Add the values at the next snapshot, shape (kind, trajectory, mode)."""
        self.finite &= np.isfinite(values)
        self.largest = np.fmax(self.largest, values)
        if place > 0:
            due = self._order[self._ends[place] : self._ends[place + 1]]
            start, end = self.step[place - 1], self.step[place]
            part = (self._times[due] - start) / (end - start)
            curve = due % values[0].size
            for found, before, now in zip(self.found, self._before, values, strict=True):
                last = before.ravel()[curve]
                np.put(found, due, last + part * (now.ravel()[curve] - last))
        self._before = values


def _medians(found: Floats, usable: Bools) -> Floats:
    """Median over the usable trajectories where half of them, and enough, have a value, (grid, mode)."""
    values = np.where(usable, found, np.nan)
    known = np.isfinite(values).sum(axis=1)
    enough = (known >= FEWEST) & (known >= usable.sum(axis=0) / 2)
    medians = np.full(known.shape, np.nan)
    medians[enough] = np.nanmedian(np.moveaxis(values, 1, 2)[enough], axis=-1)
    return medians
