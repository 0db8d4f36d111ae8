"""All models' points of one snapshot: what rounding leaves equal, where they lie, how far apart they are.

All of these depend on the set of the points alone and not on which model they come from, so that permutation
tests that use them stay exact.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numba import njit

from fastsde.analysis.distances.base import Frame
from fastsde.analysis.distances.kernel_two_sample import median_bandwidth
from fastsde.analysis.protocols import Bools, Floats
from fastsde.analysis.shape.moments import Moments

POOLED = 4096
"""Trajectories of each model, evenly chosen, that say where the points lie."""

BANDWIDTH_POINTS = 512
"""Points, evenly chosen in the order of their values, from whose distances the bandwidth is taken."""

ROUNDING = 8
"""Values that are less than this many units of rounding apart are equal."""


@dataclass(frozen=True)
class Clouds:
    """All models at one snapshot.

    Attributes
    ----------
    points : dict of str to ndarray, shape (trajectory, coordinate)
        By model; values that differ by rounding only are equal. Not finite where a trajectory has diverged.
    orders : dict of str to float
        Order up to which they have moments.
    moments : dict of str to Moments
        Of the modes and the loss themselves.
    frame : Frame
        What comparisons at this snapshot have in common.
    """

    points: dict[str, Floats]
    orders: dict[str, float]
    moments: dict[str, Moments]
    frame: Frame


def placed(points: Mapping[str, Floats], frame: Frame, rounding: float = 0.0) -> Frame:
    """Give a frame the centre and the bandwidth of these points: medians, and of the distances between them.

    Examples
    --------
    >>> from fastsde.analysis.results import Settings
    >>> frame = placed({"a": np.array([[3.0], [3.0]]), "b": np.array([[5.0]])}, Frame.of(("x",), Settings()))
    >>> frame.centre.tolist(), round(frame.bandwidth**2, 9)
    ([4.0], 2.0)
    """
    pool = _pool(points)
    if not len(pool):
        return frame.at(np.zeros(len(frame.coordinates)), 1.0, rounding)
    spread = pool[np.lexsort(pool.T)][:: -(-len(pool) // BANDWIDTH_POINTS)]
    return frame.at(np.median(pool, axis=0), median_bandwidth(spread), rounding)


def _pool(points: Mapping[str, Floats]) -> Floats:
    """Finite points of all models, of equally many trajectories of each."""
    size = min(map(len, points.values()))
    pool = np.concatenate([one[: size : -(-size // POOLED) or 1] for one in points.values()])
    return np.asarray(pool[np.isfinite(pool).all(axis=1)])


def equal_to_rounding(points: Mapping[str, Floats], floor: Floats) -> dict[str, Floats]:
    """Make values of a coordinate equal that are less than its floor apart.

    Parameters
    ----------
    points : mapping of str to ndarray, shape (trajectory, coordinate)
        By model.
    floor : ndarray, shape (coordinate,)
        Difference that rounding may make.

    Returns
    -------
    dict of str to ndarray
        Values of all models together, in order, are taken in groups no wider than the floor, and each becomes
        the smallest of its group: laws with atoms keep them, and continuous ones change by less than rounding
        did.

    Examples
    --------
    >>> near = {"a": np.array([[0.1 + 0.2], [1.0]]), "b": np.array([[0.3], [np.nan]])}
    >>> equal_to_rounding(near, np.array([1e-15]))
    {'a': array([[0.3],
           [1. ]]), 'b': array([[0.3],
           [nan]])}
    """
    pool = np.concatenate(list(points.values()))
    for column, least in zip(pool.T, floor, strict=True):
        there = np.isfinite(column)
        values = np.unique(column[there])
        if least > 0 and np.any(np.diff(values) <= least):
            starts = values[_group_starts(values, least)]
            column[there] = starts[np.searchsorted(starts, column[there], side="right") - 1]
    ends = np.cumsum([len(one) for one in points.values()])
    return dict(zip(points, np.split(pool, ends[:-1]), strict=True))


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator, unused-ignore]
def _group_starts(ordered: Floats, width: float) -> Bools:
    """Which values are more than the width above the first of their group, and so begin another."""
    begins = np.zeros(ordered.shape[0], dtype=np.bool_)
    first = ordered[0]
    begins[0] = True
    for place in range(ordered.shape[0]):
        if ordered[place] - first > width:
            begins[place] = True
            first = ordered[place]
    return begins
