"""Pickands' estimator of the extreme-value index, from three order statistics."""

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
    """Tail index 1 / gamma, gamma = ln((X_k - X_2k) / (X_2k - X_4k)) / ln 2; infinite where gamma <= 0.

    Shift and scale do not matter, nothing is assumed of the law, and the price is a variance several times
    that of the moment estimator: a check, not a measurement.

    Parameters
    ----------
    values : array_like, shape (n,)
        Independent values; signs do not matter.
    k : int, optional
        The 4 k largest values are used; n/100, at least 10, by default.
    level : float
        Coverage of the interval.
    design : float
        Factor by which dependence inflates the variance.

    Returns
    -------
    TailEstimate
        NaN if n < 100, or where two of the three order statistics are equal.

    Notes
    -----
    Pickands (1975), Annals of Statistics 3, 119; variance from Dekkers and de Haan (1989), Annals of
    Statistics 17, 1795, theorem 2.3.

    Examples
    --------
    >>> tail = estimate(np.random.default_rng(0).pareto(1.5, 100_000))
    >>> tail.low < 1.5 < tail.high
    True
    """
    x = projection(values)
    if x.size < SMALLEST_SAMPLE:
        return UNKNOWN
    k = max(10, x.size // 100) if k is None else k
    top = np.exp(log_tail(x, 4 * k))
    upper, lower = top[k - 1] - top[2 * k - 1], top[2 * k - 1] - top[4 * k - 1]
    if not (upper > 0 and lower > 0):
        return UNKNOWN
    gamma = math.log(upper / lower) / math.log(2)
    return from_gamma(gamma, math.sqrt(design * variance(gamma) / k), k, level)


def variance(gamma: float) -> float:
    """Asymptotic variance of sqrt(k) (estimate - gamma).

    It is gamma^2 (2^(2 gamma + 1) + 1) / (2 (2^gamma - 1) ln 2)^2.

    Examples
    --------
    >>> round(variance(0.0), 6) == round(3 / (4 * math.log(2) ** 4), 6)
    True
    """
    slope = math.log(2) if gamma == 0 else math.expm1(gamma * math.log(2)) / gamma
    return (2 ** (2 * gamma + 1) + 1) / (2 * slope * math.log(2)) ** 2


PICKANDS = register(
    TailEstimator(
        name="pickands",
        label="Pickands",
        estimate=lambda values, level, design: estimate(values, level=level, design=design),
        estimates="extreme-value index of either sign",
        consistent="every law in the domain of attraction of an extreme-value law",
        standard_error="asymptotic variance",
        source="Pickands (1975)",
        compared=True,
        order=40,
    )
)
