"""How much dependence between values of one trajectory inflates the variance of a tail index."""

from __future__ import annotations

import numpy as np

from fastsde.analysis.protocols import Floats, Integers


def design_effect(scores: Floats, unit: Integers | None) -> float:
    """Variance of the sum of ``scores`` when whole units are drawn, over that of independent draws.

    Parameters
    ----------
    scores : ndarray, shape (n,)
        Influence of each value on an estimate, of mean zero.
    unit : ndarray of int, shape (n,), or None
        The unit (trajectory) that each value belongs to, from 0; None: every value is its own.

    Returns
    -------
    float
        At least 1.

    Notes
    -----
    Kish (1965), Survey Sampling, section 5.4; the cluster-robust variance of Liang and Zeger (1986).

    Examples
    --------
    >>> scores = np.repeat(np.random.default_rng(0).standard_normal(500), 4)
    >>> round(design_effect(scores, np.arange(2000) // 4), 9), design_effect(scores, None)
    (4.0, 1.0)
    """
    total = float(np.sum(scores**2))
    if unit is None or total == 0 or not np.isfinite(total):
        return 1.0
    sums = np.bincount(unit, weights=scores)
    return max(1.0, float(np.sum(sums**2)) / total)


def tail_scores(values: Floats, k: int) -> Floats:
    """Influence of each value on Hill's 1 / alpha: ln(X / X_{k+1}) - 1 / alpha above X_{k+1}, else zero."""
    magnitude = np.abs(values)
    threshold = np.partition(magnitude, magnitude.size - k - 1)[-k - 1]
    scores = np.zeros(magnitude.size)
    above = magnitude > threshold
    if threshold > 0 and above.any():
        excess = np.log(magnitude[above] / threshold)
        scores[above] = excess - excess.mean()
    return scores


def size_scores(values: Floats) -> Floats:
    """Influence of each value on Var ln|X|, and so on the log-moment estimate; zero for zeros."""
    magnitude = np.abs(values)
    scores = np.zeros(magnitude.size)
    positive = magnitude > 0
    if positive.any():
        logs = np.log(magnitude[positive])
        squares = (logs - logs.mean()) ** 2
        scores[positive] = squares - squares.mean()
    return scores
