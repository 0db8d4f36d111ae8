"""Words that sentences are made of."""

from __future__ import annotations

import math
from collections.abc import Sequence


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
