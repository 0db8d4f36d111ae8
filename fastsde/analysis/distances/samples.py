"""Samples of points: which of them are finite, pooled with their permutations, averaged over states."""

from __future__ import annotations

import numpy as np

from fastsde.analysis.distances.base import LEAST_STATES, SMALLEST_SAMPLE, Frame, permuted
from fastsde.analysis.protocols import Bools, Floats


def surviving(points: Floats) -> Floats:
    """Rows that are finite."""
    return np.asarray(points[finite(points)])


def finite(points: Floats) -> Bools:
    """Which rows are finite."""
    return np.asarray(np.isfinite(points).all(axis=1))


def unit_means(points: Floats, branches: int) -> Floats:
    """Means of the finite trajectories of each state, shape (state, coordinate); of states that have any.

    Examples
    --------
    >>> unit_means(np.array([[1.0], [3.0], [5.0], [np.nan]]), 2).tolist()
    [[2.0], [5.0]]
    """
    grouped = points[: len(points) // branches * branches].reshape(-1, branches, points.shape[1])
    there = np.isfinite(grouped).all(axis=2, keepdims=True)
    counted = there.sum(axis=1)
    sums = np.where(there, grouped, 0.0).sum(axis=1)
    return np.asarray(sums[counted[:, 0] > 0] / counted[counted[:, 0] > 0])


def pooled(first: Floats, second: Floats, limit: int, frame: Frame) -> tuple[Floats, Bools] | None:
    """Pool equally many finite points of both samples, with their labellings; None if there are too few."""
    size = min(len(first), len(second), limit) // frame.branches * frame.branches
    relabelling = permuted(size, frame.settings.permutations, frame.settings.seed, frame.branches)
    slots, labels = relabelling.at(finite(first[:size]), finite(second[:size]))
    few_states = frame.branches > 1 and relabelling.units < LEAST_STATES
    if few_states or len(slots) < 2 * SMALLEST_SAMPLE:
        return None
    return np.concatenate([first[:size], second[:size]])[slots], labels
