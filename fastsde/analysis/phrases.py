"""Words that sentences are made of."""

from __future__ import annotations

from collections.abc import Sequence


def enumerated(words: Sequence[str]) -> str:
    """Join words with commas, and the last with "and".

    Examples
    --------
    >>> enumerated(["gd"]), enumerated(["gd", "sgd", "sde"])
    ('gd', 'gd, sgd and sde')
    """
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
