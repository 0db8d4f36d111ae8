"""The group log-moment estimate of a stable index from whole vectors, as in papers on heavy tails of SGD."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fastsde.analysis.confidence import WIDTH, Interval
from fastsde.analysis.protocols import Floats

__all__ = ["TERMS", "VectorIndex", "vector_index"]

TERMS = (2, 5, 10, 20, 50, 100, 40)
"""Vectors in a group: those of the public code of Gurbuzbalaban, Simsekli and Zhu (2021)."""


@dataclass(frozen=True)
class VectorIndex:
    """A stable index of vectors.

    Attributes
    ----------
    index : Interval
        Median over `terms`, shape (), with a 95 % interval from the median standard error: estimates for
        different numbers of terms are of the same vectors, and taken to err together.
    terms : ndarray, shape (number,)
        Vectors in a group.
    by_terms : ndarray, shape (number,)
        The estimate of each; infinite where sums are no larger than what they are sums of.
    count : int
        Vectors.
    """

    index: Interval
    terms: Floats
    by_terms: Floats
    count: int


def vector_index(values: Floats, terms: Sequence[int] = TERMS) -> VectorIndex:
    """Index by 1 / alpha = (mean ln|Y| - mean ln|X|) / ln m, Y being sums of m vectors X.

    A sum of m independent symmetric stable vectors has the law of m^(1/alpha) times one of them. The estimate
    lies near or below 2 for **any** law: 2 for vectors with a variance, and less where the sizes of the
    vectors of one sample differ so much that the largest of m dominates their sum. A log-normal size, such as
    that of iterates that diverge, gives an index below 2 without a power law.

    Parameters
    ----------
    values : ndarray, shape (n, d)
        Independent vectors, symmetric around zero: one per trajectory, less the optimum or the median.
        Rows that are not finite are left out.
    terms : sequence of int
        m; those for which there are fewer than 4 groups are left out.

    Returns
    -------
    VectorIndex
        NaN for fewer than 8 vectors.

    Notes
    -----
    Mohammadi, Mohammadpour and Ogata (2015), Metrika 78, 549, corollary 2.4, for vectors; the median over m
    is that of Gurbuzbalaban, Simsekli and Zhu (2021), International Conference on Machine Learning.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> cauchy = rng.standard_normal((4000, 5)) / np.abs(rng.standard_normal((4000, 1)))
    >>> bool(abs(vector_index(cauchy).index.value - 1) < 0.1)
    True
    """
    x = np.asarray(values, dtype=np.float64)
    x = x[np.isfinite(x).all(axis=1)]
    x = x[np.any(x != 0, axis=1)]
    sizes = [m for m in terms if len(x) // m >= 4]
    if not sizes:
        unknown = np.array(math.nan)
        return VectorIndex(Interval(unknown, unknown, unknown), np.empty(0), np.empty(0), len(x))
    growth = [_growth(x, m) for m in sizes]
    gamma = np.array([one.mean() for one in growth])
    errors = np.array([one.std(ddof=1) / math.sqrt(len(one)) for one in growth])
    reach = WIDTH * float(np.median(errors))
    middle = float(np.median(gamma))
    low, index, high = _inverse(np.array([middle + reach, middle, middle - reach]))
    return VectorIndex(Interval(index, low, high), np.array(sizes, dtype=np.float64), _inverse(gamma), len(x))


def _growth(x: Floats, m: int) -> Floats:
    """Return ``(ln|Y| - mean ln|X|) / ln m`` of each group of m vectors."""
    groups = x[: len(x) // m * m].reshape(-1, m, x.shape[1])
    each = np.log(np.linalg.norm(groups, axis=2)).mean(axis=1)
    with np.errstate(divide="ignore"):
        total = np.log(np.linalg.norm(groups.sum(axis=1), axis=1))
    return np.asarray((total - each) / math.log(m))


def _inverse(gamma: Floats) -> Floats:
    """Return 1 / gamma, infinite where that is not positive."""
    return np.where(gamma > 0, 1 / np.where(gamma > 0, gamma, 1.0), np.inf)
