"""Variance within and between groups: how much of a spread comes after a branching, how much from before."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fastsde.analysis.levels import INTERVAL
from fastsde.analysis.protocols import Floats

__all__ = ["Components", "variance_components"]


@dataclass(frozen=True)
class Components:
    """Components of variance of several quantities, each array of shape (quantity,).

    Attributes
    ----------
    within : ndarray
        Variance of branches of the same state, unbiased.
    between : ndarray
        Variance of the states' expectations, unbiased: it may come out below zero where there is none.
    share, low, high : ndarray
        ``within / (within + between)``, from 0 (all was decided before) to 1 (the state does not matter), and
        its 95 % interval; NaN where nothing varies.
    """

    within: Floats
    between: Floats
    share: Floats
    low: Floats
    high: Floats


def variance_components(values: Floats, branches: int, seed: int = 0, replicates: int = 400) -> Components:
    """Split the variance of branched trajectories by a one-way analysis of variance with random effects.

    With n_i finite branches of state i, N in all, k states, and ``n0 = (N - sum n_i^2 / N) / (k - 1)``::

        within  = sum_ij (x_ij - x_i)^2 / (N - k)
        between = (sum_i n_i (x_i - x)^2 / (k - 1) - within) / n0

    Parameters
    ----------
    values : ndarray, shape (trajectory, quantity)
        Trajectory k is a branch of state ``k // branches``; ones that are not finite are left out.
    branches : int
        Branches of each state, 2 or more.
    seed, replicates : int
        Of the bootstrap of the interval, whose unit is the state.

    Returns
    -------
    Components
        NaN with fewer than two states.

    References
    ----------
    Searle, Casella and McCulloch (1992), Variance Components, section 3.6.

    Examples
    --------
    >>> components = variance_components(np.array([[1.0], [3.0], [11.0], [13.0]]), 2)
    >>> float(components.within[0]), float(components.between[0])
    (2.0, 49.0)
    """
    values = np.asarray(values, dtype=np.float64)
    states = -(-len(values) // branches)
    padded = np.full((states * branches, values.shape[1]), np.nan)
    padded[: len(values)] = values
    groups = padded.reshape(states, branches, -1)
    finite = np.isfinite(groups).all(axis=2, keepdims=True)
    count = finite.sum(axis=1)[:, 0].astype(np.float64)
    groups = np.where(finite, groups, 0.0)
    kept = count > 0
    count, groups, finite = count[kept], groups[kept], finite[kept]
    mean = groups.sum(axis=1) / count[:, None]
    inner = (np.where(finite, groups - mean[:, None], 0.0) ** 2).sum(axis=1)
    within, between = _components(np.ones((1, len(count))), count, mean, inner)
    random = np.random.default_rng(seed)
    weights = random.multinomial(len(count), np.full(len(count), 1 / max(1, len(count))), replicates)
    shares = _share(*_components(weights.astype(np.float64), count, mean, inner))
    with np.errstate(invalid="ignore"):
        low, high = np.quantile(shares, INTERVAL, axis=0)
    return Components(within[0], between[0], _share(within, between)[0], low, high)


def _components(weights: Floats, count: Floats, mean: Floats, inner: Floats) -> tuple[Floats, Floats]:
    """Return both components for each row of weights of the states, (row, quantity)."""
    with np.errstate(invalid="ignore", divide="ignore"):
        k, total = weights.sum(axis=1)[:, None], (weights @ count)[:, None]
        n0 = (total - (weights @ count**2)[:, None] / total) / (k - 1)
        grand = weights @ (count[:, None] * mean) / total
        within = weights @ inner / (total - k)
        outer = weights @ (count[:, None] * mean**2) - total * grand**2
        return within, (np.maximum(outer, 0.0) / (k - 1) - within) / n0


def _share(within: Floats, between: Floats) -> Floats:
    total = within + np.maximum(between, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(total > 0, within / total, np.nan)
