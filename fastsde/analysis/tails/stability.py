"""Stability under sums: a stable law keeps its index, any law with a variance goes to 2."""

from __future__ import annotations

import numpy as np

from fastsde.analysis.levels import CONFIDENCE
from fastsde.analysis.protocols import Floats
from fastsde.analysis.tails.estimators import characteristic
from fastsde.analysis.tails.tail_estimate import TailEstimate

SUMS = (1, 4, 16)
"""Numbers of values that are added."""


def sums(values: Floats, terms: int) -> Floats:
    """Add up ``terms`` consecutive values at a time; what does not fill the last sum is left out.

    Examples
    --------
    >>> sums(np.arange(7.0), 3)
    array([ 3., 12.])
    """
    groups = len(values) // terms
    return np.asarray(values[: groups * terms].reshape(groups, terms).sum(axis=1), dtype=np.float64)


def indices_of_sums(values: Floats, level: float = CONFIDENCE, design: float = 1.0) -> list[TailEstimate]:
    """Stable index of sums of 1, 4 and 16 values: constant if stable, towards 2 if the variance is finite.

    Parameters
    ----------
    values : ndarray, shape (n,)
        Independent values, in an order that does not matter to their law.
    level : float
        Coverage of the intervals.
    design : float
        Factor by which dependence inflates the variance.

    Returns
    -------
    list of TailEstimate
        For each of `SUMS`; NaN where fewer than 100 sums are left.

    Examples
    --------
    >>> x = np.random.default_rng(2).laplace(size=80_000)
    >>> [round(one.index, 1) for one in indices_of_sums(x)]
    [1.6, 1.9, 2.0]
    """
    return [characteristic.estimate(sums(values, terms), level, design) for terms in SUMS]
