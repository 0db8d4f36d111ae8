"""The moment estimator of Dekkers, Einmahl and de Haan: an extreme-value index of either sign."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from fastsde.analysis.levels import CONFIDENCE
from fastsde.analysis.tails.registry import TailEstimator, register
from fastsde.analysis.tails.tail_estimate import (
    SMALLEST_SAMPLE,
    UNKNOWN,
    TailEstimate,
    from_gamma,
    log_tail,
    projection,
)


def estimate(
    values: ArrayLike, k: int | None = None, level: float = CONFIDENCE, design: float = 1.0
) -> TailEstimate:
    """Tail index 1 / gamma, gamma = M1 + 1 - 1/2 (1 - M1^2 / M2)^-1; infinite where gamma <= 0.

    M_r is the mean of ln(X_i / X_{k+1})^r over the k largest. Unlike Hill's, the estimate tells a power law
    (gamma > 0) from an exponential tail (0) and from a bounded one (below).

    Parameters
    ----------
    values : array_like, shape (n,)
        Independent values; signs do not matter.
    k : int, optional
        Order statistics; n/50, at least 20, by default.
    level : float
        Coverage of the interval.
    design : float
        Factor by which dependence inflates the variance.

    Returns
    -------
    TailEstimate
        The interval is from the asymptotic variance; its upper end is infinite where gamma = 0 is not
        excluded. NaN if n < 100 or the tail is zero.

    Notes
    -----
    Dekkers, Einmahl and de Haan (1989), Annals of Statistics 17, 1833; variance from their corollary 3.1.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> estimate(rng.standard_normal(10_000)).high
    inf
    >>> tail = estimate(rng.standard_cauchy(10_000))
    >>> tail.low < 1.0 < tail.high
    True
    """
    x = projection(values)
    if x.size < SMALLEST_SAMPLE:
        return UNKNOWN
    k = max(20, x.size // 50) if k is None else k
    logs = log_tail(x, k)
    if not math.isfinite(logs[k]):
        return UNKNOWN
    excess = logs[:k] - logs[k]
    first, second = float(np.mean(excess)), float(np.mean(excess**2))
    if not second > first**2:
        return UNKNOWN
    gamma = first + 1 - 0.5 / (1 - first**2 / second)
    return from_gamma(gamma, math.sqrt(design * variance(gamma) / k), k, level)


def variance(gamma: float) -> float:
    """Asymptotic variance of sqrt(k) (estimate - gamma).

    Examples
    --------
    >>> variance(0.5), variance(0.0)
    (1.25, 1.0)
    """
    if gamma >= 0:
        return 1 + gamma**2
    one, two, three, four = (1 - r * gamma for r in (1, 2, 3, 4))
    return one**2 * two * (4 - 8 * two / three + (5 - 11 * gamma) * two / (three * four))


MOMENT = register(
    TailEstimator(
        name="moment",
        label="moment",
        estimate=lambda values, level, design: estimate(values, level=level, design=design),
        estimates="extreme-value index of either sign",
        consistent="every law in the domain of attraction of an extreme-value law",
        standard_error="asymptotic variance",
        source="Dekkers, Einmahl and de Haan (1989)",
        compared=True,
        order=30,
    )
)
