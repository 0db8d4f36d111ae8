"""Tests of whether a sample is Gaussian: Anderson and Darling's, and the energy test.

Mean and variance are unknown. Both statistics are of the standardised sample, so that under a Gaussian their
law does not depend on these; it is drawn, with a fixed seed, for each size of sample.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.special import log_ndtr, ndtr

from fastsde.analysis.protocols import Floats

__all__ = ["GaussianTests", "anderson_darling", "energy_of_normality", "gaussian_tests", "holm"]

LARGEST = 2000
"""Values of a sample that are tested, at most."""
SMALLEST = 20
"""Fewer values are not tested."""
DRAWN = 999
"""Gaussian samples that a p-value counts: none is below 0.001."""


@dataclass(frozen=True)
class GaussianTests:
    """Tests of the columns of a sample; NaN where a column does not vary, or has too few values.

    Attributes
    ----------
    count : ndarray, shape (column,)
        Values tested.
    anderson_darling, energy : ndarray, shape (column,)
        The statistics.
    anderson_darling_p, energy_p : ndarray, shape (column,)
        Their p-values, each test alone.
    adjusted_p : ndarray, shape (2, column)
        The same adjusted for both tests of all columns together (Holm 1979).
    """

    count: Floats
    anderson_darling: Floats
    energy: Floats
    anderson_darling_p: Floats
    energy_p: Floats
    adjusted_p: Floats


def gaussian_tests(values: Floats) -> GaussianTests:
    """Test each column of independent rows against Gaussian laws.

    Parameters
    ----------
    values : ndarray, shape (n, column)
        Values that are not finite are left out; of the others the first `LARGEST` are tested.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> found = gaussian_tests(np.column_stack([rng.normal(size=500), rng.standard_t(3, size=500)]))
    >>> (found.adjusted_p < 0.05).tolist()
    [[False, True], [False, True]]
    """
    columns = [_column(column[np.isfinite(column)][:LARGEST]) for column in np.asarray(values, np.float64).T]
    count, first, second, first_p, second_p = np.array(columns).reshape(-1, 5).T
    adjusted = holm(np.concatenate([first_p, second_p])).reshape(2, -1)
    return GaussianTests(count, first, second, first_p, second_p, adjusted)


def _column(x: Floats) -> tuple[float, float, float, float, float]:
    spread = float(x.std(ddof=1)) if x.size > 1 else 0.0
    if x.size < SMALLEST or not spread > 1e-12 * float(np.abs(x).max()):
        return float(x.size), math.nan, math.nan, math.nan, math.nan
    ordered = _standard(np.sort(x)[None, :])
    found = float(anderson_darling(ordered)[0]), float(energy_of_normality(ordered)[0])
    null = _null(x.size)
    below = [float((1 + np.sum(null[test] >= found[test])) / (1 + DRAWN)) for test in (0, 1)]
    return float(x.size), *found, below[0], below[1]


def _standard(values: Floats) -> Floats:
    mean, spread = values.mean(axis=1, keepdims=True), values.std(axis=1, ddof=1, keepdims=True)
    return np.asarray((values - mean) / spread)


@lru_cache(maxsize=16)
def _null(count: int) -> Floats:
    """Return both statistics of `DRAWN` Gaussian samples of this size, shape (2, `DRAWN`)."""
    random = np.random.Generator(np.random.Philox(count))
    ordered = _standard(np.sort(random.standard_normal((DRAWN, count)), axis=1))
    return np.array([anderson_darling(ordered), energy_of_normality(ordered)])


def anderson_darling(ordered: Floats) -> Floats:
    """Return ``A^2 = -n - sum (2i - 1)/n (ln F(y_i) + ln(1 - F(y_{n+1-i})))`` (Anderson and Darling 1952).

    Parameters
    ----------
    ordered : ndarray, shape (samples, n)
        Standardised samples, ascending.

    Examples
    --------
    >>> anderson_darling(np.array([[-1.0, 0.0, 1.0]])).round(4)
    array([0.1895])
    """
    n = ordered.shape[1]
    weight = (2 * np.arange(1, n + 1) - 1) / n
    return np.asarray(-n - (log_ndtr(ordered) + log_ndtr(-ordered[:, ::-1])) @ weight)


def energy_of_normality(ordered: Floats) -> Floats:
    """Return ``n (2 E|y - Z| - E|Z - Z'| - mean |y_i - y_j|)``, Z standard normal (Szekely and Rizzo 2005).

    Parameters
    ----------
    ordered : ndarray, shape (samples, n)
        Standardised samples, ascending.
    """
    n = ordered.shape[1]
    density = np.exp(-0.5 * ordered**2) / math.sqrt(2 * math.pi)
    to_normal = (ordered * (2 * ndtr(ordered) - 1) + 2 * density).mean(axis=1)
    pairs = ordered @ (2 * np.arange(1, n + 1) - n - 1) * (2 / n**2)
    return np.asarray(n * (2 * to_normal - 2 / math.sqrt(math.pi) - pairs))


def holm(p: Floats) -> Floats:
    """Return p-values adjusted for all of them together, by Holm's steps; NaN stays and does not count.

    Examples
    --------
    >>> holm(np.array([0.01, np.nan, 0.04, 0.03])).round(3).tolist()
    [0.03, nan, 0.06, 0.06]
    """
    adjusted = np.full(p.shape, np.nan)
    known = np.flatnonzero(np.isfinite(p))
    order = known[np.argsort(p[known])]
    factors = np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(p[order] * factors))
    return adjusted
