"""The delete-a-group jackknife: errors and intervals of a statistic from its values without each group."""

from __future__ import annotations

import math
from typing import Protocol

import numpy as np
from scipy.stats import t as student_t

from fastsde.analysis.levels import CONFIDENCE
from fastsde.analysis.protocols import Floats

GROUPS = 20
"""Groups of trajectories, each of which is left out once."""


class Jackknifed(Protocol):
    """A mean with its values without each group."""

    @property
    def mean(self) -> float:
        """The statistic of the whole sample."""
        ...

    @property
    def left_out(self) -> Floats:
        """The statistic without each group, shape (group,)."""
        ...


def jackknife_error(left_out: Floats) -> float:
    """Return the standard error of a statistic from its values without each group; NaN if there are none.

    Examples
    --------
    >>> x = np.arange(10.0)
    >>> error = jackknife_error((x.sum() - x) / 9)  # of a mean: sd / sqrt(n)
    >>> round(error / float(x.std(ddof=1) / 10**0.5), 12)
    1.0
    """
    known = left_out[np.isfinite(left_out)]
    groups = len(known)
    if groups < 2:
        return math.nan
    return math.sqrt((groups - 1) / groups * float(np.sum((known - known.mean()) ** 2)))


def jackknife_reach(left_out: Floats, level: float = CONFIDENCE) -> float:
    """Half width of an interval: the standard error by Student's quantile for this number of groups."""
    groups = int(np.isfinite(left_out).sum())
    return jackknife_error(left_out) * float(student_t.ppf((1 + level) / 2, max(groups - 1, 1)))


def closer(first: Jackknifed, second: Jackknifed, level: float = CONFIDENCE) -> bool | None:
    """Whether the first model is significantly closer to their reference than the second; None if unknown.

    The difference of their means must exceed its own jackknife error by Student's two-sided quantile.
    """
    reach = jackknife_reach(second.left_out - first.left_out, level)
    return None if math.isnan(reach) else second.mean - first.mean > reach
