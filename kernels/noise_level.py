"""Noise of a given trace."""

import math

from fastsde.kernels.lanes import broadcast, select
from fastsde.kernels.options import inlined

__all__ = ["levelled"]


@inlined
def levelled(m, square, trace):
    """Return the factor that gives noise of trace `square` another; 1 where the other is 0.

    Where there is no noise there stays none.
    """
    if trace <= 0.0:
        return broadcast(m, 1.0)
    some = square > 0.0
    return select(some, math.sqrt(broadcast(m, trace) / select(some, square, 1.0)), 0.0)
