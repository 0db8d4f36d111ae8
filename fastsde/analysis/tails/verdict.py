"""What the estimates of a tail say together: one word, and whether they agree."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from fastsde.analysis.tails.estimators.hill import HILL
from fastsde.analysis.tails.estimators.moment_tail import MOMENT
from fastsde.analysis.tails.estimators.reduced_bias import REDUCED_BIAS
from fastsde.analysis.tails.registry import declared
from fastsde.analysis.tails.tail_estimate import TailEstimate

MEANING: dict[str, str] = {
    "none": "no values, or none but zero",
    "undetermined": "no heavier than a Gaussian, but of too few values: even a stable law of index 1.8 would "
    "often look like this",
    "light": "no power law seen: a tail as of a Gaussian or exponential law",
    "stable": "is indistinguishable from an alpha-stable law: sums keep the index",
    "heavy": "a power law without a variance, yet not stable: the index of sums changes",
    "power": "a power law with a variance, or a wide mixture of scales: sums tend to a Gaussian",
    "unclear": "heavier than a Gaussian, but too few values, or estimators that contradict one another, "
    "leave open whether there is a variance",
    "bounded": "spread over decades, but no value leaves the range of what is learned",
    "mixture": "heavier than a Gaussian only as a mixture of scales: light in units of each value's scale",
}
"""Each verdict in words."""

QUIET = ("light", "none", "undetermined")
"""Verdicts that claim no tail: of Gaussian samples all but 5 % get one of them, all columns together."""

SEEN = 1.8
"""A tail is called light only of enough values to see, probably, a stable one of this index."""

ENOUGH = 100
"""Order statistics, of 5000 values, below which the moment estimator's interval does not show a variance."""

TOLERANCE = 0.25
"""Intervals less than this apart agree: the bias that remains in the estimators."""

LIGHTEST = 8.0
"""A power law of a higher index is none: exponential tails show such powers in finite samples."""

FLATNESS = 0.05
"""Change of the index of sums that is none, beside its standard errors."""


def disagreement(estimates: Mapping[str, TailEstimate]) -> float:
    """Widest gap between the intervals of two estimators, indices above 2 counting as 2; 0 if all overlap.

    All laws with a variance are alike to an estimator that assumes stability. Only estimators that are
    declared as `compared` count: not Hill's, which is biased upwards for stable laws from alpha = 1.6 on.

    Examples
    --------
    >>> one, other = TailEstimate(1.2, 1.1, 1.3, 100), TailEstimate(3.0, 2.5, 3.5, 100)
    >>> round(disagreement({"characteristic": one, "moment": other}), 3)
    0.7
    """
    known = [
        tail for name, tail in estimates.items() if declared(name).compared and not math.isnan(tail.index)
    ]
    if not known:
        return math.nan
    return max(0.0, max(min(tail.low, 2.0) for tail in known) - min(min(tail.high, 2.0) for tail in known))


def verdict(
    estimates: Mapping[str, TailEstimate], sums: Sequence[TailEstimate], heavier: bool, detectable: float
) -> str:
    """Judge a tail by all its estimates.

    Parameters
    ----------
    estimates : mapping of str to TailEstimate
        By name of the estimator.
    sums : sequence of TailEstimate
        Stable index of sums of ever more values (`fastsde.analysis.tails.stability.indices_of_sums`).
    heavier : bool
        Whether a Gaussian law is rejected (`fastsde.analysis.tails.gaussian_null`).
    detectable : float
        Largest stable index that would probably have been found in this many values; NaN if none.

    Returns
    -------
    str
        A key of `MEANING`. Where a Gaussian law is not rejected, "light" if an index of `SEEN` would probably
        have been found, else "undetermined". Where it is rejected, "stable" needs an index of sums that
        stays, that lies below 2 for the longest sums too, and that the other estimators do not contradict;
        "heavy" that Hill's and the bias-reduced interval lie below 2 and the index of sums rises; "power" and
        "light" that the moment estimator's interval, from `ENOUGH` values, lies above 2, and below `LIGHTEST`
        or not. All else is "unclear", as is most of what is rejected with fewer than some thousand values.
    """
    if not heavier:
        return "light" if detectable >= SEEN else "undetermined"
    hill, reduced, moment = (estimates[one.name] for one in (HILL, REDUCED_BIAS, MOMENT))
    if constant(sums):
        if sums[-1].high < 2 - FLATNESS:
            return "stable" if disagreement(estimates) <= TOLERANCE else "unclear"
    elif max(hill.high, reduced.high) < 2:
        return "heavy"
    if moment.low > 2 and moment.k >= ENOUGH:
        return "light" if moment.high >= LIGHTEST else "power"
    return "unclear"


def constant(sums: Sequence[TailEstimate]) -> bool:
    """Whether the index of the longest sums known is that of single values, within their intervals."""
    known = [one for one in sums if not math.isnan(one.index)]
    if not known:
        return True
    first, last = known[0], known[-1]
    reach = math.hypot(first.high - first.index, last.high - last.index)
    return abs(last.index - first.index) <= FLATNESS + reach


def judged_by_scale(raw: str, own: str, raw_index: TailEstimate, own_index: TailEstimate) -> str:
    """Verdict on values whose own scales are known: "mixture" where only the spread of scales was heavy.

    That needs a tail of the raw values that is heavier than a Gaussian's, enough values to say that there is
    none in units of the scales, and indices by the characteristic function that differ beyond their
    intervals.

    Examples
    --------
    >>> wide, light = TailEstimate(1.6, 1.5, 1.7, 500), TailEstimate(1.97, 1.9, 2.04, 500)
    >>> judged_by_scale("power", "light", wide, light), judged_by_scale("stable", "stable", wide, wide)
    ('mixture', 'stable')
    """
    return "mixture" if own == "light" and raw not in QUIET and own_index.low > raw_index.high else own


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
