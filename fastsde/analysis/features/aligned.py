"""Curves of each trajectory laid over each other at its own learning time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fastsde.analysis.features.clock import Clock
from fastsde.analysis.protocols import Floats, Trajectories

GRID = np.geomspace(0.25, 4.0, 49)
"""Times in units of the time at which the trajectory has learned half of the mode."""
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
        How many trajectories; memory is (snapshots x limit x modes).
    """
    clock = Clock(view.step)
    step = np.asarray(view.step, dtype=np.float64)[clock.snapshots]
    learned = clock.steps(half[:limit])
    growth = _paths(view, "modes", clock, limit) / np.where(strength > 0, strength, np.nan)
    diffusion = _shares(_paths(view, "mode_diffusion", clock, limit))
    drift = np.full_like(growth, np.nan)
    if "mode_drift" in view.variables:
        drift = _shares(np.abs(_paths(view, "mode_drift", clock, limit)))
    curves = np.stack([growth, diffusion, drift])
    usable = np.isfinite(learned) & (learned > 0) & np.isfinite(curves[:2]).all(axis=(0, 1))
    if not usable.any():
        return None
    modes = half.shape[1]
    medians = np.full((3, len(GRID), modes), np.nan)
    for mode in range(modes):
        rows = np.flatnonzero(usable[:, mode])
        if len(rows) >= FEWEST:
            medians[:, :, mode] = _medians(curves[:, :, rows, mode], step, learned[rows, mode])
    count = usable.sum(axis=0).astype(np.float64)
    return Aligned(GRID, medians[0], medians[1], medians[2], count)


def _paths(view: Trajectories, name: str, clock: Clock, limit: int) -> Floats:
    return np.stack([np.asarray(view.read(name, int(s)), dtype=np.float64)[:limit] for s in clock.snapshots])


def _shares(paths: Floats) -> Floats:
    """Divide each path by its largest value."""
    largest = paths.max(axis=0)
    return np.asarray(paths / np.where(largest > 0, largest, np.nan))


def _medians(curves: Floats, step: Floats, learned: Floats) -> Floats:
    """Interpolate curves (kind, snapshot, trajectory) at ``GRID * learned``; the median over trajectories.

    A time outside the run has no value; a median needs half of the trajectories.
    """
    found = np.full((len(curves), len(GRID), len(learned)), np.nan)
    for row, unit in enumerate(learned):
        for kind, curve in enumerate(curves):
            found[kind, :, row] = np.interp(GRID * unit, step, curve[:, row], left=np.nan, right=np.nan)
    known = np.isfinite(found).sum(axis=2)
    enough = (known >= FEWEST) & (known >= len(learned) / 2)
    medians = np.full(found.shape[:2], np.nan)
    medians[enough] = np.nanmedian(found[enough], axis=-1)
    return medians
