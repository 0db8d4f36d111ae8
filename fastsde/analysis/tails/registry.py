"""All tail estimators by name: fastsde's own (`fastsde.analysis.tails.estimators`) and those of users' files.

An estimator of one's own is one file:

    import numpy as np
    from fastsde.analysis.tails.registry import TailEstimator, from_gamma, register

    def estimate(values, level, design):
        largest = np.sort(np.abs(values))[::-1][:101]
        gamma = float(np.median(np.log(largest[:100] / largest[100]))) / np.log(2)
        return from_gamma(gamma, gamma * (1.44 * design / 100) ** 0.5, 100, level)

    register(TailEstimator(name="median_hill", label="median of the excesses", estimate=estimate))

Once the file is imported, every report of tails has its estimate of every sample, and the tables show it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from fastsde.analysis.protocols import Floats
from fastsde.analysis.tails.tail_estimate import SMALLEST_SAMPLE, UNKNOWN, TailEstimate, around, from_gamma
from fastsde.system.registry import LAST, Registry

__all__ = ["ESTIMATORS", "TailEstimate", "TailEstimator", "around", "declared", "from_gamma", "register"]


@dataclass(frozen=True)
class TailEstimator:
    """Declaration of an estimator of a tail index.

    Attributes
    ----------
    name : str
        Key in results.
    label : str
        Name in tables and figures.
    estimate : callable
        From the values of one projection, the coverage of the interval, and the factor by which dependence
        inflates the variance, to a `TailEstimate`.
    estimates : str
        What it estimates.
    consistent : str
        For which laws the estimate tends to that.
    standard_error : str
        Where its interval comes from.
    source : str
        Reference.
    assumes_stable : bool
        Whether it assumes a stable law, and gives a number between 0 and 2 for any other law too.
    of_bulk : bool
        Whether it rests on all values, and not on the largest: dependence then inflates its variance as that
        of the mean of (ln|x|)^2, and not as that of Hill's estimate.
    compared : bool
        Whether its interval counts where estimators are asked whether they contradict one another; one of
        large bias should not.
    smallest_sample : int
        Fewer values give no index.
    order : int
        Place among the other estimators.
    """

    name: str
    label: str
    estimate: Callable[[Floats, float, float], TailEstimate]
    estimates: str = "tail index"
    consistent: str = ""
    standard_error: str = ""
    source: str = ""
    assumes_stable: bool = False
    of_bulk: bool = False
    compared: bool = False
    smallest_sample: int = SMALLEST_SAMPLE
    order: int = LAST

    def of(self, values: Floats, level: float, tail_design: float, bulk_design: float) -> TailEstimate:
        """Estimate the index of a sample, with the design effect that is this estimator's."""
        if len(values) < self.smallest_sample:
            return UNKNOWN
        return self.estimate(values, level, bulk_design if self.of_bulk else tail_design)

    @property
    def marked_label(self) -> str:
        """Label with a star where a stable law is assumed."""
        return f"{self.label} *" if self.assumes_stable else self.label


ESTIMATORS: Registry[TailEstimator] = Registry("tail estimator", "fastsde.analysis.tails.estimators")
"""All estimators: Hill's, those that assume a power tail, those that assume a stable law."""

register = ESTIMATORS.register


def declared(name: str) -> TailEstimator:
    """Return the declaration of an estimator in stored results.

    Where the file that declares it is not imported, all that is known of it is its name.

    Examples
    --------
    >>> declared("hill").label, declared("of another day").label
    ('Hill', 'of another day')
    """
    return ESTIMATORS[name] if name in ESTIMATORS else TailEstimator(name, name, _not_imported)


def _not_imported(values: Floats, level: float, design: float) -> TailEstimate:
    return UNKNOWN
