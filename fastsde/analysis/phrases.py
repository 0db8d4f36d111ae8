"""Words that sentences are made of."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fastsde.analysis.distances.effect import Effect


def enumerated(words: Sequence[str]) -> str:
    """Join words with commas, and the last with "and".

    Examples
    --------
    >>> enumerated(["gd"]), enumerated(["gd", "sgd", "sde"])
    ('gd', 'gd, sgd and sde')
    """
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def between(low: float, high: float, pattern: str = ".3g") -> str:
    """Write the ends of an interval, either of which may be infinite.

    Examples
    --------
    >>> between(0.5, 2.0), between(0.5, math.inf), between(-math.inf, 2.0)
    ('0.5 to 2', '0.5 or more', '2 or less')
    """
    if not math.isfinite(low) and not math.isfinite(high):
        return "no limits"
    if not math.isfinite(high):
        return f"{low:{pattern}} or more"
    return f"{high:{pattern}} or less" if not math.isfinite(low) else f"{low:{pattern}} to {high:{pattern}}"


def amount(effect: Effect) -> str:
    """Write a mean effect with its interval."""
    if not math.isfinite(effect.mean):
        return "an undetermined distance"
    span = f" ({short(effect.low)} to {short(effect.high)})" if math.isfinite(effect.high) else ""
    return f"{short(effect.mean)}{span}"


def short(value: float) -> str:
    """Write a number with two digits.

    Examples
    --------
    >>> short(0.01234), short(123.4), short(1e-18)
    ('0.012', '123', '1e-18')
    """
    return f"{value:.2g}" if abs(value) < 100 else f"{value:,.0f}" if abs(value) < 1e6 else f"{value:.1e}"
