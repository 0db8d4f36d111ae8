"""The course of learning: how far a model's medians have come, and equal shares of that way."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fastsde.analysis.protocols import Floats


def path_length(medians: Floats) -> Floats:
    """Length of the path of medians up to each snapshot, shape (snapshot,).

    Parameters
    ----------
    medians : ndarray, shape (snapshot, coordinate)
        NaN where none survives, which adds nothing.

    Returns
    -------
    ndarray
        Sum over coordinates of the moves, from 0 on. Of medians that never move, the number of the snapshot:
        each step between snapshots counts the same.

    Examples
    --------
    >>> path_length(np.array([[0.0, 0.0], [1.0, 0.0], [1.0, -2.0]])).tolist()
    [0.0, 1.0, 3.0]
    >>> path_length(np.zeros((3, 1))).tolist()
    [0.0, 1.0, 2.0]
    """
    moves = np.nan_to_num(np.abs(np.diff(medians, axis=0)).sum(axis=1))
    length = np.concatenate([[0.0], np.cumsum(moves)])
    return length if length[-1] > 0 else np.arange(len(medians), dtype=np.float64)


def equal_shares(length: Floats, count: int) -> NDArray[np.int64]:
    """Choose snapshots between which equal parts of the way lie; the last is among them.

    Returns
    -------
    ndarray of int
        Increasing, at most ``count``.

    Examples
    --------
    >>> equal_shares(np.array([0.0, 0.0, 1.0, 1.5, 2.0, 2.0]), 2).tolist()
    [2, 5]
    """
    marks = np.arange(1, count + 1) / count * length[-1]
    at = np.searchsorted(length, marks * (1 - 1e-12))
    at[-1:] = len(length) - 1
    return np.unique(at).astype(np.int64)


def way_weights(length: Floats) -> Floats:
    """Weight of each snapshot in a mean over the course, by the trapezoidal rule; they add up to one.

    Equal shares of the way have equal weight, however many snapshots lie in them, and however long they take.

    Examples
    --------
    >>> way_weights(np.array([0.0, 0.0, 1.0, 1.5, 2.0, 2.0])).tolist()
    [0.0, 0.25, 0.375, 0.25, 0.125, 0.0]
    >>> way_weights(np.array([0.0, 1.0, 2.0])).tolist(), way_weights(np.zeros(1)).tolist()
    ([0.25, 0.5, 0.25], [1.0])
    """
    if not length[-1] > 0:
        return np.full(len(length), 1 / len(length))
    gaps = np.diff(length) / 2
    weights = np.concatenate([gaps, [0.0]]) + np.concatenate([[0.0], gaps])
    return np.asarray(weights / length[-1])
