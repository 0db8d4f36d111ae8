"""The late part of a run: which snapshots it has, which of them are neighbours, who is there throughout."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from fastsde.analysis.distances.base import SMALLEST_SAMPLE
from fastsde.analysis.law import moment_limits
from fastsde.analysis.protocols import Bools, Floats, Trajectories
from fastsde.study.study import Study

SAME_GAP = 0.05
"""Gaps that differ by less than this share count as equal."""
FEWEST_TRAJECTORIES = 30


@dataclass(frozen=True)
class LateWindow:
    """Snapshots of the late part of a run.

    Attributes
    ----------
    snapshots : tuple of int
        All of them.
    pairs : tuple of (int, int)
        Neighbours at the smallest gap.
    gap : float
        That gap, in learning-rate steps.
    """

    snapshots: tuple[int, ...]
    pairs: tuple[tuple[int, int], ...]
    gap: float

    @classmethod
    def of(cls, step: np.ndarray[Any, Any], share: float) -> LateWindow:
        """Choose the snapshots from `share` of the run on.

        Examples
        --------
        >>> LateWindow.of(np.array([0, 10, 60, 90, 95, 100]), 0.5)
        LateWindow(snapshots=(2, 3, 4, 5), pairs=((3, 4), (4, 5)), gap=5.0)
        """
        chosen = np.flatnonzero(step >= share * step[-1])
        gaps = np.diff(step[chosen]).astype(np.float64)
        if not len(gaps):
            return cls(tuple(chosen.tolist()), (), float("nan"))
        close = np.flatnonzero(gaps <= gaps.min() * (1 + SAME_GAP))
        pairs = tuple((int(chosen[k]), int(chosen[k + 1])) for k in close)
        return cls(tuple(chosen.tolist()), pairs, float(gaps[close].mean()))


def undiverged(view: Trajectories) -> Bools:
    """Trajectories that never diverged, shape (trajectory,)."""
    return np.asarray(~np.isfinite(view.passage_time("diverged")))


def survivors(view: Trajectories) -> Bools:
    """Trajectories that are there to the end, shape (trajectory,): they neither diverged nor stopped."""
    return undiverged(view) & ~np.isfinite(stop_times(view))


def stop_times(view: Trajectories) -> Floats:
    """Return when trajectories were stopped at an event, shape (trajectory,); NaN of all others."""
    if "stopped_step" in view.variables:
        return view.passage_time("stopped")
    return np.full(view.count, np.nan)


def last_seen(view: Trajectories) -> Floats:
    """Return until when each trajectory was followed, shape (trajectory,): its stop, or the end."""
    stopped = stop_times(view)
    return np.asarray(np.where(np.isfinite(stopped), stopped, float(view.time[-1])))


def only_diverges(view: Trajectories, study: Study) -> bool:
    """Whether nearly all trajectories of a network diverge, fewer than half and too few for a sample survive.

    What they pass on the way is neither learning nor escape. On a landscape without a floor, trajectories
    diverge because they have escaped.
    """
    surviving = undiverged(view)
    few = surviving.sum() < min(SMALLEST_SAMPLE, surviving.size / 2)
    return study.objective.positive and bool(few)


def unfit(model: Any, depth: int, counted: int) -> str:
    """Say why second moments of late snapshots mean nothing in a model; empty if they do.

    Examples
    --------
    >>> from types import SimpleNamespace as Model
    >>> unfit(Model(kind="sgd"), 2, 10)
    'only 10 trajectories'
    """
    if counted < FEWEST_TRAJECTORIES:
        return f"only {counted} trajectories"
    if not has_variance(model, depth):
        return "stable noise: no variance"
    return ""


def has_variance(model: Any, depth: int) -> bool:
    """Whether the noise of a model leaves products of `depth` layers a variance: not if it is stable.

    Examples
    --------
    >>> from fastsde.study.models import Sde
    >>> has_variance(Sde(noise="gradient"), 2), has_variance(Sde(noise="gradient", alpha=1.6), 1)
    (True, False)
    """
    return bool(moment_limits(model, depth, 1, False)[0] > 2)


def spread_out(values: Floats, scale: float) -> bool:
    """Whether a law is more than a point: its spread is above a billionth of the scale."""
    return bool(np.max(values.std(axis=0)) > 1e-9 * scale)
