"""Whether a peer's trajectories have the law of ours: a two-sample test on the loss at the end."""

from dataclasses import dataclass

import numpy as np
from scipy import stats

__all__ = ["FALSE_ALARM", "Law", "compare"]

FALSE_ALARM = 1e-3
"""Chance that a peer of the same law is turned away, for both tests together (Bonferroni)."""


@dataclass(frozen=True)
class Law:
    """Outcome of a comparison: the smaller p-value, doubled, of two tests.

    Kolmogorov and Smirnov's two-sample test sees the shape, Welch's test of the mean logarithm a shift that
    is small beside the spread.
    """

    p_value: float
    ours: float
    theirs: float
    count: tuple

    @property
    def same(self):
        return self.p_value >= FALSE_ALARM


def compare(ours, theirs):
    """Compare two samples of losses; a loss that is not finite is a failure whatever the rest says."""
    ours, theirs = np.asarray(ours, dtype=float), np.asarray(theirs, dtype=float)
    sizes = (len(ours), len(theirs))
    if not (np.isfinite(ours).all() and np.isfinite(theirs).all()):
        return Law(0.0, float(np.mean(ours)), float(np.mean(theirs)), sizes)
    shape = stats.ks_2samp(ours, theirs).pvalue
    mean = stats.ttest_ind(np.log(ours), np.log(theirs), equal_var=False).pvalue
    p_value = min(1.0, 2 * float(min(shape, mean)))
    return Law(p_value, float(np.mean(ours)), float(np.mean(theirs)), sizes)
