"""Two models coordinate by coordinate: Wasserstein distances, differences of mean and median."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from fastsde.analysis.distances import wasserstein_1d
from fastsde.analysis.distances.base import Frame
from fastsde.analysis.distances.samples import pooled, surviving, unit_means
from fastsde.analysis.distances.tested import p_value
from fastsde.analysis.levels import NULL_QUANTILE
from fastsde.analysis.protocols import Floats


@dataclass(frozen=True)
class Coordinates:
    """Two models coordinate by coordinate; a leading snapshot axis once stacked.

    Attributes
    ----------
    w1, w1_null, w1_p : ndarray, shape (coordinate,)
        Wasserstein-1 distance, its null quantile and p-value; NaN where it does not exist.
    w2, w2_null, w2_p : ndarray, shape (coordinate,)
        Wasserstein-2 distance.
    mean, mean_error : ndarray, shape (coordinate,)
        Mean of the second less mean of the first, and its standard error (Welch).
    median : ndarray, shape (coordinate,)
        Median of the second less median of the first.
    """

    w1: Floats
    w1_null: Floats
    w1_p: Floats
    w2: Floats
    w2_null: Floats
    w2_p: Floats
    mean: Floats
    mean_error: Floats
    median: Floats


def coordinates(first: Floats, second: Floats, order: float, frame: Frame) -> Coordinates:
    """Compare the coordinates one by one; of a logarithm all moments exist."""
    known = pooled(first, second, frame.settings.sliced_limit, frame)
    nothing = np.full(len(frame.coordinates), np.nan)
    if known is None:
        return Coordinates(*[nothing] * 9)
    orders = np.array([math.inf if name.startswith("log") else order for name in frame.coordinates])
    w1, w2 = (wasserstein_1d.relabelled(*known, power) for power in (1, 2))
    states = [unit_means(sample, frame.branches) for sample in (first, second)]
    first, second = surviving(first), surviving(second)
    with np.errstate(over="ignore", invalid="ignore"):  # heavy tails: shown only where moments exist
        mean = second.mean(axis=0) - first.mean(axis=0)
        several = min(map(len, states)) > 1
        error = np.sqrt(sum(sample.var(axis=0, ddof=int(several)) / len(sample) for sample in states))
    once, twice = (orders > 1, _banded(w1)), (orders > 2, _banded(w2))
    (w1, w1_null, w1_p), (w2, w2_null, w2_p) = (
        [np.where(there, values, np.nan) for values in band] for there, band in (once, twice)
    )
    return Coordinates(
        w1=w1,
        w1_null=w1_null,
        w1_p=w1_p,
        w2=w2,
        w2_null=w2_null,
        w2_p=w2_p,
        mean=np.where(orders > 1, mean, np.nan),
        mean_error=np.where(several & (orders > 2), error, np.nan),
        median=np.median(second, axis=0) - np.median(first, axis=0),
    )


def _banded(values: Floats) -> tuple[Floats, Floats, Floats]:
    """Value, null quantile and p-value of each column."""
    null = np.quantile(values[1:], NULL_QUANTILE, axis=0)
    return values[0], null, np.array([p_value(column) for column in values.T])
