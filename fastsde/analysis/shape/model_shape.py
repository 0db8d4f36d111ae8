"""Shape of one model's law: which statistics and errors of it exist, and how wide errors are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fastsde.analysis.protocols import Floats, Integers
from fastsde.analysis.records import stack
from fastsde.analysis.shape.bootstrap import Interval
from fastsde.analysis.shape.moments import exists
from fastsde.analysis.shape.shape_statistics import ERROR_ORDERS, ORDERS
from fastsde.analysis.tails.dependence import design_effect

TESTED_ORDER = 4
"""Up to this order a moment that a standard error needs is denied by the sample, beyond by the law only."""


@dataclass(frozen=True)
class ModelShape:
    """Shape of one model's law.

    Attributes
    ----------
    count : ndarray, shape (snapshot,)
        Trajectories that are finite.
    statistics : dict of str to Interval
        By name, as in `fastsde.analysis.shape.shape_statistics.ORDERS`; arrays of shape (snapshot, quantity).
        NaN where the law does not have the moment, or the tail of the sample denies it; the error alone
        is NaN where the moment of twice the order is missing.
    exists_below : ndarray, shape (snapshot, quantity)
        Moments may exist below this order: the model's limit, or the order from which on the sample denies
        them (`fastsde.analysis.shape.moments.denied_order`), whichever is smaller.
    """

    count: Floats
    statistics: dict[str, Interval]
    exists_below: Floats


def widened(found: dict[str, Interval], values: Floats, unit: Integers) -> dict[str, Interval]:
    """Widen intervals for trajectories that share a state: by the root of the design effect of each column.

    Parameters
    ----------
    found : dict of str to Interval
        At one snapshot, by a bootstrap over rows; arrays of shape (column,).
    values : ndarray, shape (n, column)
        Finite rows.
    unit : ndarray of int, shape (n,)
        State of each row.

    Notes
    -----
    The design effect (`fastsde.analysis.tails.dependence`) is that of the mean; for statistics of
    higher order, which states share less, the intervals are too wide rather than too narrow.

    Examples
    --------
    >>> one = {"mean": Interval(*(np.array([x]) for x in (0.0, 1.0, -2.0, 2.0)))}
    >>> same = np.repeat(np.random.default_rng(0).standard_normal(100), 4)[:, None]
    >>> widened(one, same - same.mean(), np.arange(400) // 4)["mean"].high.round(6)
    array([4.])
    """
    centred = values - values.mean(axis=0) if len(values) else values
    factor = np.sqrt([design_effect(column, unit) for column in centred.T])
    return {
        name: Interval(
            one.value,
            factor * one.error,
            one.value + factor * (one.low - one.value),
            one.value + factor * (one.high - one.value),
        )
        for name, one in found.items()
    }


def gated(found: dict[str, Interval], count: int, limit: Floats, denied: Floats) -> ModelShape:
    """Leave out statistics, and errors, whose moments do not exist.

    Parameters
    ----------
    found : dict of str to Interval
        At one snapshot, arrays of shape (quantity,).
    count : int
        Finite trajectories.
    limit, denied : ndarray, shape (quantity,)
        Order below which the law has moments, and from which on the sample denies them.

    Returns
    -------
    ModelShape
        Of one snapshot.
    """
    silent = np.full_like(denied, np.inf)
    kept = {}
    for name, one in found.items():
        known = exists(ORDERS[name], limit, denied)
        order = ERROR_ORDERS[name]
        certain = known & exists(order, limit, denied if order <= TESTED_ORDER else silent)
        kept[name] = Interval(
            np.where(known, one.value, np.nan),
            *(np.where(certain, part, np.nan) for part in (one.error, one.low, one.high)),
        )
    return ModelShape(np.array(float(count)), kept, np.minimum(limit, denied))


def over_time(rows: list[ModelShape]) -> ModelShape:
    """Put the shapes of one model at all snapshots together."""
    return ModelShape(
        count=np.array([float(row.count) for row in rows]),
        statistics={name: stack([row.statistics[name] for row in rows]) for name in ORDERS},
        exists_below=np.stack([row.exists_below for row in rows]),
    )
