r"""The stable index by the characteristic function: slope of ln(-2 ln|phi(u)|) against ln u."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from fastsde.analysis.protocols import Floats

POINTS = np.geomspace(0.2, 1.0, 9)
"""Where the characteristic function is read, in units of one over half the interquartile range."""


def stable_index(values: ArrayLike) -> float:
    """Index alpha of a symmetric stable law, assuming that the law is stable.

    The slope of ln(-2 ln|phi(u)|) on ln u for u between 0.2 and 1 over half the interquartile range
    (Koutrouvelis 1980, without iteration). A law that is not stable also yields a number, between 1 and 2:
    read it only next to the index of sums (`indices_of_sums`), which a stable law leaves as it is.

    Parameters
    ----------
    values : array_like, shape (n,)
        The sample; its median is subtracted.

    Returns
    -------
    float
        The slope; NaN for fewer than 100 values or a zero interquartile range.

    Examples
    --------
    >>> x = np.random.default_rng(1).standard_cauchy(20_000)
    >>> abs(stable_index(x) - 1.0) < 0.05
    True
    """
    x = np.asarray(values, dtype=np.float64)
    if x.size < 100:
        return math.nan
    lower, middle, upper = np.quantile(x, (0.25, 0.5, 0.75))
    if not upper > lower:
        return math.nan
    u = POINTS / ((upper - lower) / 2)
    phi = np.array([np.abs(np.mean(np.exp(1j * point * (x - middle)))) for point in u])
    if np.any(phi <= 0) or np.any(phi >= 1):
        return math.nan
    return float(np.polyfit(np.log(u), np.log(-2 * np.log(phi)), 1)[0])


def indices_of_sums(rows: Floats, sums: tuple[int, ...] = (1, 4, 16)) -> Floats:
    """Stable index of sums of m values: constant in m if stable, towards 2 if the variance is finite.

    Parameters
    ----------
    rows : ndarray, shape (row, value)
        Independent values along a row, rows on one scale; sums are taken within rows.
    sums : tuple of int
        The numbers of terms m.

    Returns
    -------
    ndarray, shape (len(sums),)

    Examples
    --------
    >>> x = np.random.default_rng(2).laplace(size=(1, 80_000))
    >>> [round(float(a), 1) for a in indices_of_sums(x)]
    [1.7, 1.9, 2.0]
    """
    return np.array([stable_index(_sums(rows, terms).ravel()) for terms in sums])


def _sums(rows: Floats, terms: int) -> Floats:
    groups = rows.shape[1] // terms
    grouped = rows[:, : groups * terms].reshape(rows.shape[0], groups, terms).sum(axis=2)
    return np.asarray(grouped, dtype=np.float64)
