"""The points that distances compare: modes as fractions of their strength, and log10 loss."""

from __future__ import annotations

import math

import numpy as np

from fastsde.analysis.protocols import Floats, Trajectories


def mode_scale(strength: Floats) -> Floats:
    """Scale of each mode: its strength, or the largest one where its own is below a hundredth of that."""
    largest = float(np.max(strength))
    scale = np.where(strength > 0.01 * largest, strength, largest)
    return np.where(scale > 0, scale, 1.0)


def median_loss(view: Trajectories, snapshot: int = 0) -> float:
    """Median loss of a model at a snapshot, the start by default; NaN if none is finite."""
    loss = np.asarray(view.read("loss", snapshot), dtype=np.float64)
    return float(np.nanmedian(loss)) if np.isfinite(loss).any() else math.nan


def feature_names(modes: int, loss: bool, pattern: str) -> tuple[str, ...]:
    """Names of the compared coordinates; `pattern` is that of a mode's name.

    Examples
    --------
    >>> feature_names(1, True, "mode {} / strength"), feature_names(1, False, "coordinate {}")
    (('mode 1 / strength', 'log10 loss'), ('coordinate 1',))
    """
    names = (pattern.format(a + 1) for a in range(modes))
    return (*names, *(("log10 loss",) if loss else ()))


def feature_matrix(modes: Floats | None, loss: Floats | None, scale: Floats, floor: float) -> Floats:
    """Coordinates in which distances are taken, shape (trajectory, coordinate), all of order one.

    Parameters
    ----------
    modes : ndarray, shape (trajectory, mode), or None if not recorded
    loss : ndarray, shape (trajectory,), or None if not recorded
    scale : ndarray, shape (mode,)
        From `mode_scale`; the same for all models and times.
    floor : float
        Losses below it count as it, so that a loss of zero has a logarithm.

    Examples
    --------
    >>> feature_matrix(np.array([[5.0]]), np.array([100.0]), np.array([10.0]), 1e-12)
    array([[0.5, 2. ]])
    """
    columns = []
    if modes is not None:
        columns.append(np.asarray(modes, dtype=np.float64) / scale)
    if loss is not None:
        columns.append(np.log10(np.maximum(np.asarray(loss, dtype=np.float64), floor))[:, None])
    return np.concatenate(columns, axis=1)
