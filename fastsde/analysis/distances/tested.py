"""A distance beside its distribution under permuted labels: null quantile and p-value."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from fastsde.analysis.distances.base import Compared
from fastsde.analysis.levels import NULL_QUANTILE, SIGNIFICANCE
from fastsde.analysis.protocols import Bools, Floats


@dataclass(frozen=True)
class Tested:
    """A distance beside its null distribution; a leading snapshot axis once stacked.

    Attributes
    ----------
    value : ndarray, shape ()
        The distance; NaN where it does not exist or too few trajectories survive.
    null_mean, null : ndarray, shape ()
        Mean and 95 % quantile of the distance under permuted labels: its bias at this sample size, and the
        value below which models are indistinguishable.
    p_value : ndarray, shape ()
        Share of permutations with a distance at least as large, the observed one counted among them.
    count : ndarray, shape ()
        Trajectories per sample.
    """

    value: Floats
    null_mean: Floats
    null: Floats
    p_value: Floats
    count: Floats

    @property
    def ratio(self) -> Floats:
        """Distance over its null quantile; above 1 is outside the band."""
        return over_null(self.value, self.null)

    @property
    def distinguishable(self) -> bool:
        """Whether some snapshot is significant at 5 %, allowing for their number."""
        known = self.p_value[np.isfinite(self.p_value)]
        return bool(known.size and known.min() * known.size < SIGNIFICANCE)


def tested(compared: Compared) -> Tested:
    """Reduce a distance under the observed and the permuted labels to value, null quantile and p-value.

    Examples
    --------
    >>> far = tested(Compared(np.array([5.0, 1.0, 2.0, 3.0]), 20))
    >>> float(far.value), float(far.null_mean), float(far.p_value)
    (5.0, 2.0, 0.25)
    """
    values, count = compared.values, compared.count
    if values is None or not np.isfinite(values).all():
        shown = math.nan if values is None else values[0]
        return Tested(*map(np.asarray, (shown, math.nan, math.nan, math.nan, float(count))))
    permuted = values[1:]
    return Tested(
        value=np.asarray(values[0]),
        null_mean=np.asarray(permuted.mean()),
        null=np.asarray(np.quantile(permuted, NULL_QUANTILE)),
        p_value=np.asarray(p_value(values)),
        count=np.asarray(float(count)),
    )


def over_null(value: Floats, null: Floats) -> Floats:
    """Return distances over their null quantiles; NaN where that is not positive."""
    return np.asarray(value / np.where(null > 0, null, np.nan))


def p_value(statistics: Floats) -> float:
    """Share of all labellings whose statistic reaches the observed one, the first, to rounding.

    Examples
    --------
    >>> p_value(np.array([2.0, 3.0, 1.0, 0.0]))
    0.5
    """
    observed = statistics[0]
    if not np.isfinite(observed):
        return math.nan
    reaching: Bools = statistics >= observed - 1e-9 * abs(observed)
    return float(np.mean(reaching))
