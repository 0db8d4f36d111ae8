"""What the estimates of a tail say together: one word, and whether they agree."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from fastsde.analysis.tails.tail_estimate import TailEstimate

MEANING: dict[str, str] = {
    "none": "too few values, or none but zero",
    "light": "no power law seen: a tail as of a Gaussian or exponential law",
    "stable": "cannot be told from an alpha-stable law: sums keep the index",
    "heavy": "a power law without a variance, yet not stable: the index of sums changes",
    "power": "a power law with a variance, or a wide mixture of scales: sums tend to a Gaussian",
    "unclear": "the estimators contradict one another, or leave open whether there is a variance",
    "bounded": "spread over decades, but no value leaves the range of what is learned",
    "mixture": "heavy only as a mixture of scales: light in units of each value's own scale",
}
"""Each verdict in words."""

QUIET = ("light", "none")
"""Verdicts that leave nothing to explain."""

FREE = ("reduced_bias_hill", "moment", "pickands")
"""Estimators that assume a power tail only."""

STABLE = ("log_moment", "group", "characteristic", "quantile")
"""Estimators that assume a stable law."""

TOLERANCE = 0.25
"""Intervals less than this apart agree: the bias that remains in the estimators."""

LIGHTEST = 8.0
"""A power law of a higher index is none: exponential tails show such powers in finite samples."""

FLATNESS = 0.05
"""Change of the index of sums that is none, beside its standard errors."""


def disagreement(estimates: Mapping[str, TailEstimate]) -> float:
    """Widest gap between the intervals of two estimators, indices above 2 counting as 2; 0 if all overlap.

    All laws with a variance are alike to an estimator that assumes stability. Hill's own estimate is left
    out: it is biased upwards for stable laws from alpha = 1.6 on, and the bias-reduced one stands for it.

    Examples
    --------
    >>> one, other = TailEstimate(1.2, 1.1, 1.3, 100), TailEstimate(3.0, 2.5, 3.5, 100)
    >>> round(disagreement({"characteristic": one, "moment": other}), 3)
    0.7
    """
    known = [one for name, one in estimates.items() if name != "hill" and not math.isnan(one.index)]
    if not known:
        return math.nan
    return max(0.0, max(min(one.low, 2.0) for one in known) - min(min(one.high, 2.0) for one in known))


def verdict(estimates: Mapping[str, TailEstimate], sums: Sequence[TailEstimate]) -> str:
    """Judge a tail by all its estimates.

    Parameters
    ----------
    estimates : mapping of str to TailEstimate
        By name: "hill", and those of `FREE` and `STABLE`.
    sums : sequence of TailEstimate
        Stable index of sums of ever more values (`fastsde.analysis.tails.stability.indices_of_sums`).

    Returns
    -------
    str
        A key of `MEANING`. "stable" needs an index of sums that stays, lies below 2, and that the other
        estimators do not contradict; "heavy" that Hill's and the bias-reduced interval lie below 2; "power"
        that the moment estimator's lies between 2 and `LIGHTEST`. Of 50 samples of 10,000 values of each law,
        stable ones of index 1.2 to 1.9 are called stable in 96 % at least, Gaussian and Laplace ones light in
        all, Student's with three degrees of freedom and Gaussian ones of lognormal scale power in a third,
        otherwise light or unclear; with 100,000 values these are power in all of 6. A Student law of index
        1.5 takes so many to be told from a stable one, stable values of lognormal scale (index 1.8, sd 0.5)
        are unclear in 46 of 50, and 1000 values tell little more than light from heavy.
    """
    if math.isnan(estimates["hill"].index) or math.isnan(sums[0].index):
        return "none"
    if constant(sums):
        if sums[0].high >= 2 - FLATNESS:
            return "light"
        return "stable" if disagreement(estimates) <= TOLERANCE else "unclear"
    if max(estimates["hill"].high, estimates["reduced_bias_hill"].high) < 2:
        return "heavy"
    if estimates["moment"].high >= LIGHTEST:
        return "light"
    return "power" if estimates["moment"].low > 2 else "unclear"


def constant(sums: Sequence[TailEstimate]) -> bool:
    """Whether the index of the longest sums known is that of single values, within their intervals."""
    first, last = sums[0], [one for one in sums if not math.isnan(one.index)][-1]
    reach = math.hypot(first.high - first.index, last.high - last.index)
    return abs(last.index - first.index) <= FLATNESS + reach


def judged_by_scale(raw: str, own: str) -> str:
    """Verdict on values whose own scales are known: "mixture" where only the spread of scales was heavy.

    Examples
    --------
    >>> judged_by_scale("power", "light"), judged_by_scale("stable", "stable")
    ('mixture', 'stable')
    """
    return "mixture" if own == "light" and raw not in QUIET else own


def judged_by_lasting(found: str, characteristic: TailEstimate, lasting: TailEstimate) -> str:
    """Verdict on noise of which draws of the same trajectory are known: "mixture" if it is Gaussian in them.

    The index in units of a lasting scale (`fastsde.analysis.tails.lasting`) must reach that of a Gaussian and
    exceed the one that the values show together, both beyond their intervals.

    Examples
    --------
    >>> together, within = TailEstimate(1.6, 1.5, 1.7, 500), TailEstimate(1.97, 1.9, 2.04, 500)
    >>> judged_by_lasting("stable", together, within), judged_by_lasting("stable", together, together)
    ('mixture', 'stable')
    """
    light = lasting.high >= 2 - FLATNESS and lasting.low > characteristic.high
    return "mixture" if light and found not in QUIET else found
