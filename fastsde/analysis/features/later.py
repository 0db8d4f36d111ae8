"""Does one sample tend to lie above another? Column by column, without any law assumed."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.stats import mannwhitneyu

from fastsde.analysis.protocols import Floats


class Later(NamedTuple):
    """Comparison of two samples, arrays of shape (column,); NaN where either has fewer than two values.

    Attributes
    ----------
    effect : ndarray
        Probability that a value of the first is above one of the second, ties halved.
    p_value : ndarray
        Two-sided p-value of the Mann-Whitney test that neither tends to be.
    """

    effect: Floats
    p_value: Floats


def later(first: Floats, second: Floats) -> Later:
    """Compare two independent samples column by column (Mann and Whitney 1947).

    Parameters
    ----------
    first, second : ndarray, shape (n, column) and (m, column)
        Values that are not finite are left out.

    Examples
    --------
    >>> gaps = later(np.array([[1.0], [4.0], [5.0]]), np.array([[1.0], [2.0], [3.0], [np.nan]]))
    >>> gaps.effect.round(4).tolist()  # 6 of 9 pairs, and half of the tie
    [0.7222]
    """
    columns = first.shape[1]
    effect, p_value = np.full(columns, np.nan), np.full(columns, np.nan)
    for column in range(columns):
        one, other = (values[np.isfinite(values[:, column]), column] for values in (first, second))
        if len(one) > 1 and len(other) > 1:
            test = mannwhitneyu(one, other, method="asymptotic")
            effect[column] = test.statistic / (len(one) * len(other))
            p_value[column] = test.pvalue
    return Later(effect, p_value)
