"""Whether a peer's trajectories have the law of ours: two-sample tests on what is saved at the end."""

from dataclasses import dataclass

import numpy as np
from scipy import stats

__all__ = ["FALSE_ALARM", "Law", "compare", "statistics"]

FALSE_ALARM = 1e-3
"""Chance that a peer of the same law is turned away, for all tests together (Bonferroni)."""


@dataclass(frozen=True)
class Law:
    """Outcome of a comparison: the smallest p-value of the tests times their number.

    Of each statistic, Kolmogorov and Smirnov's two-sample test sees the shape, and Welch's test a shift that
    is small beside the spread.
    """

    p_value: float
    ours: float
    """Mean loss."""
    theirs: float
    count: tuple

    @property
    def same(self):
        return self.p_value >= FALSE_ALARM


def statistics(saved):
    """Return what is compared, one row a statistic: the logarithm of the loss, the size of the parameters."""
    parameters, losses = (np.asarray(part, dtype=float) for part in saved)
    return np.stack([np.log(losses), np.square(parameters).sum(axis=1)])


def compare(ours, theirs):
    """Compare what two runs saved, each ``(parameters, losses)`` with the trajectories first.

    A trajectory that is not finite fails, whatever the rest says.
    """
    sizes = (len(ours[1]), len(theirs[1]))
    means = tuple(float(np.mean(saved[1], dtype=float)) for saved in (ours, theirs))
    if not all(np.isfinite(part).all() for saved in (ours, theirs) for part in saved):
        return Law(0.0, *means, sizes)
    found = []
    for a, b in zip(statistics(ours), statistics(theirs), strict=True):
        found += [stats.ks_2samp(a, b).pvalue, stats.ttest_ind(a, b, equal_var=False).pvalue]
    return Law(min(1.0, len(found) * float(min(found))), *means, sizes)
