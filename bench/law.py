"""Whether a peer simulates the same law as fastsde: two-sample tests on the final results."""

from dataclasses import dataclass

import numpy as np
from scipy import stats

__all__ = ["FALSE_ALARM", "Law", "compare", "statistics"]

FALSE_ALARM = 1e-3
"""Probability that a peer with the same law is rejected, for all tests together (Bonferroni)."""


@dataclass(frozen=True)
class Law:
    """Outcome of a comparison: the smallest p-value of the tests times their number.

    For each statistic, the two-sample Kolmogorov-Smirnov test detects differences in shape, and Welch's test
    shifts that are small compared with the spread.
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
    """Return the statistics that are compared, one row each: log loss, and squared norm of the parameters."""
    parameters, losses = (np.asarray(part, dtype=float) for part in saved)
    return np.stack([np.log(losses), np.square(parameters).sum(axis=1)])


def compare(ours, theirs):
    """Compare the results of two runs, each ``(parameters, losses)`` with the trajectories first.

    The comparison fails if a trajectory is not finite.
    """
    sizes = (len(ours[1]), len(theirs[1]))
    means = tuple(float(np.mean(saved[1], dtype=float)) for saved in (ours, theirs))
    if not all(np.isfinite(part).all() for saved in (ours, theirs) for part in saved):
        return Law(0.0, *means, sizes)
    p_values = []
    for a, b in zip(statistics(ours), statistics(theirs), strict=True):
        p_values += [stats.ks_2samp(a, b).pvalue, stats.ttest_ind(a, b, equal_var=False).pvalue]
    return Law(min(1.0, len(p_values) * float(min(p_values))), *means, sizes)
