"""When each mode is learned: curves, medians and the log-rank test, with censoring."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from fastsde.analysis.escape.curves import Curve, kaplan_meier, logrank_p
from fastsde.analysis.escape.passages import passages
from fastsde.analysis.protocols import Floats

__all__ = ["Learning", "learning"]


@dataclass(frozen=True)
class Learning:
    """Learning times of every fraction and mode of one model.

    Attributes
    ----------
    fractions : ndarray, shape (fraction,)
        A mode is learned to a fraction f when u_a^T W v_a first reaches f times its strength.
    times : ndarray, shape (grid,)
        Grid of the curves, the same for all models of an analysis, in time units.
    survival, low, high : ndarray, shape (fraction, mode, grid)
        Kaplan-Meier curves and bands; where some diverge first, one minus the curve is the law of the
        learning time had nothing diverged and the two been independent, not the share that learned.
    median, median_low, median_high : ndarray, shape (fraction, mode)
        Medians; infinite where half is never reached.
    learned, censored, diverged : ndarray, shape (fraction, mode)
        How many trajectories learned the mode, reached the end, or another event that
        stopped them, without; diverged before.
    logrank_p : ndarray, shape (fraction, mode)
        p-value of the log-rank test against the reference; NaN for the reference itself.
    """

    fractions: Floats
    times: Floats
    survival: Floats
    low: Floats
    high: Floats
    median: Floats
    median_low: Floats
    median_high: Floats
    learned: Floats
    censored: Floats
    diverged: Floats
    logrank_p: Floats


def learning(
    passage: Floats,
    diverged: Floats,
    fractions: Floats,
    grid: Floats,
    reference: tuple[Floats, Floats] | tuple[Floats, Floats, Floats] | None = None,
    followed: Floats | None = None,
) -> Learning:
    """Learning times of every fraction and mode.

    Parameters
    ----------
    passage : ndarray, shape (trajectory, fraction, mode)
        Passage times, NaN if never.
    diverged : ndarray, shape (trajectory,)
        Divergence times, NaN if never.
    fractions : ndarray, shape (fraction,)
    grid : ndarray, shape (grid,)
        Where the curves are read; its last point is the end of the run.
    reference : tuple of ndarray, optional
        The reference's ``passage`` and ``diverged``, and ``followed`` if it has one, for the log-rank test.
    followed : ndarray, shape (trajectory,), optional
        Time up to which each trajectory was followed, by default the end of the run.

    Returns
    -------
    Learning
    """
    end = float(grid[-1])
    shape = passage.shape[1:]
    table: dict[str, list[float]] = {name: [] for name in ("learned", "censored", "diverged", "logrank_p")}
    curves: list[Curve] = []
    for place in np.ndindex(*shape):
        stays = passages(passage[:, *place], diverged, end if followed is None else followed)
        curves.append(kaplan_meier(stays, grid))
        table["learned"].append(float(stays.escaped.sum()))
        table["diverged"].append(float(stays.diverged.sum()))
        table["censored"].append(float(np.sum(~(stays.escaped | stays.diverged))))
        other = None
        if reference is not None:
            times, *rest = reference
            other = passages(times[:, *place], *(rest if len(rest) > 1 else (*rest, end)))
        table["logrank_p"].append(math.nan if other is None else logrank_p(stays, other))
    counts = {name: np.array(values).reshape(shape) for name, values in table.items()}
    medians = {
        name: np.array([getattr(curve, name) for curve in curves]).reshape(shape)
        for name in ("median", "median_low", "median_high")
    }
    lines = {
        name: np.array([getattr(curve, name) for curve in curves]).reshape(*shape, len(grid))
        for name in ("survival", "low", "high")
    }
    return Learning(fractions=fractions, times=grid, **lines, **medians, **counts)
