"""The log-moment estimate of a stable index: from the variance of ln|X|."""

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
    projection,
    quantile_of_level,
)


def estimate(values: ArrayLike, level: float = CONFIDENCE, design: float = 1.0) -> TailEstimate:
    """Index alpha = (6 Var ln|X| / pi^2 - 1/2)^(-1/2) of a symmetric stable law, assuming that it is stable.

    A law that is not stable also yields a number: 1.4 for Laplace, 1.6 for Student with three degrees of
    freedom. Read it only beside estimates that do not assume stability.

    Parameters
    ----------
    values : array_like, shape (n,)
        Independent values, symmetric around zero; zeros are left out.
    level : float
        Coverage of the interval.
    design : float
        Factor by which dependence inflates the variance.

    Returns
    -------
    TailEstimate
        Infinite where ln|X| varies less than under any symmetric stable law; NaN for n < 100.

    Notes
    -----
    Var ln|X| = (pi^2 / 6) (1 / alpha^2 + 1/2): Zolotarev (1986), One-dimensional Stable Distributions,
    section 3.6; Ma and Nikias (1995), IEEE Transactions on Signal Processing 43, 2884.

    Examples
    --------
    >>> tail = estimate(np.random.default_rng(1).standard_cauchy(20_000))
    >>> tail.low < 1.0 < tail.high
    True
    """
    magnitude = np.abs(projection(values))
    magnitude = magnitude[magnitude > 0]
    if magnitude.size < SMALLEST_SAMPLE:
        return UNKNOWN
    logs = np.log(magnitude)
    squares = (logs - logs.mean()) ** 2
    variance = float(np.mean(squares))
    reach = quantile_of_level(level) * math.sqrt(design * float(np.var(squares)) / magnitude.size)
    return TailEstimate(
        index_of_variance(variance),
        index_of_variance(variance + reach),
        index_of_variance(variance - reach),
        magnitude.size,
    )


def index_of_variance(variance: float) -> float:
    """Solve Var ln|X| = (pi^2 / 6) (1 / alpha^2 + 1/2) for alpha; infinite below the least such variance.

    Examples
    --------
    >>> round(index_of_variance(math.pi**2 / 8), 12)
    2.0
    """
    inverse_square = 6 * variance / math.pi**2 - 0.5
    return inverse_square**-0.5 if inverse_square > 0 else math.inf


LOG_MOMENT = register(
    TailEstimator(
        name="log_moment",
        label="log-moment",
        estimate=estimate,
        estimates="stable index",
        consistent="symmetric stable laws",
        standard_error="that of the variance of ln|x|",
        source="Ma and Nikias (1995)",
        assumes_stable=True,
        of_bulk=True,
        compared=True,
        order=50,
    )
)
