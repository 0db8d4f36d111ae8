"""Which moments a model's points have, so that no distance is printed that does not exist."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from fastsde.analysis.shape.moments import Moments

if TYPE_CHECKING:
    from fastsde.analysis.distances.base import Distance
    from fastsde.analysis.settings import Settings


def moment_order(sample: Moments, modes: int) -> float:
    """Order up to which the compared modes may have moments; the logarithm of the loss has all of them.

    Parameters
    ----------
    sample : Moments
        Of the modes, and what else follows them.
    modes : int
        How many modes are compared.

    Returns
    -------
    float
        Infinite where neither the model's definition nor the sample denies any moment.
    """
    return min((*sample.limit[:modes], *sample.denied[:modes]), default=math.inf)


def refusal(distance: Distance, settings: Settings, orders: Mapping[str, float]) -> str:
    """Say why a distance between these models does not exist; empty if it does.

    Examples
    --------
    >>> from fastsde.analysis.distances.registry import DISTANCES
    >>> from fastsde.analysis.results import Settings
    >>> refusal(DISTANCES["sliced_wasserstein"], Settings(), {"sgd": math.inf, "levy": 0.4})
    'needs moments of order 2; levy only has moments below 0.4'
    >>> refusal(DISTANCES["mmd"], Settings(), {"sgd": math.inf, "levy": 0.4})
    ''
    """
    needed = distance.moments_needed(settings)
    lacking = {name: order for name, order in orders.items() if order <= needed and needed > 0}
    if not lacking:
        return ""
    limits = " and ".join(f"{name} only has moments below {order:.2g}" for name, order in lacking.items())
    return f"needs moments of order {needed:g}; {limits}"
