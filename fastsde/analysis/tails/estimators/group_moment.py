"""The group log-moment estimate of a stable index, which Simsekli et al. applied to gradient noise."""

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
    projection,
)


def estimate(
    values: ArrayLike, terms: int | None = None, level: float = CONFIDENCE, design: float = 1.0
) -> TailEstimate:
    """Index by 1 / alpha = (mean ln|Y| - mean ln|X|) / ln m, Y being sums of m consecutive values.

    A sum of m symmetric stable values is m^(1/alpha) times as large as one of them. The estimate assumes
    stability and independent values: **over the coordinates of one step of elliptical noise, which share
    their clock, it returns 2 whatever alpha is.** Put values of different steps or trajectories beside one
    another, one projection at a time.

    Parameters
    ----------
    values : array_like, shape (n,)
        Independent values, symmetric around zero, in an order that does not matter to their law.
    terms : int, optional
        m; about the root of n by default.
    level : float
        Coverage of the interval.
    design : float
        Factor by which dependence inflates the variance.

    Returns
    -------
    TailEstimate
        The standard error is that of the mean over groups. NaN for n < 100 or where a sum is zero.

    Notes
    -----
    Mohammadi, Mohammadpour and Ogata (2015), Metrika 78, 549, corollary 2.4; Simsekli, Sagun and
    Gurbuzbalaban (2019), International Conference on Machine Learning, section 4.

    Examples
    --------
    >>> tail = estimate(np.random.default_rng(1).standard_cauchy(40_000))
    >>> tail.low < 1.0 < tail.high
    True
    """
    x = projection(values)
    x = x[x != 0]
    if x.size < SMALLEST_SAMPLE:
        return UNKNOWN
    terms = math.isqrt(x.size) if terms is None else terms
    groups = x[: x.size // terms * terms].reshape(-1, terms)
    sums = np.abs(groups.sum(axis=1))
    if np.any(sums == 0):
        return UNKNOWN
    growth = (np.log(sums) - np.log(np.abs(groups)).mean(axis=1)) / math.log(terms)
    error = math.sqrt(design * float(np.var(growth, ddof=1)) / len(growth))
    return from_gamma(float(growth.mean()), error, x.size, level)


GROUP_MOMENT = register(
    TailEstimator(
        name="group",
        label="group log-moment",
        estimate=lambda values, level, design: estimate(values, level=level, design=design),
        estimates="stable index",
        consistent="symmetric stable laws of independent values",
        standard_error="that of the mean over groups",
        source="Mohammadi et al. (2015)",
        assumes_stable=True,
        of_bulk=True,
        compared=True,
        order=60,
    )
)
