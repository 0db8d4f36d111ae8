"""Elliptical stable noise without its largest increments."""

from typing import NamedTuple

from numba import uint64

from fastsde.kernels.elementary import exp64
from fastsde.kernels.lanes import any_lane, select
from fastsde.kernels.noise_law import noise_law
from fastsde.kernels.options import in_double, never_inlined
from fastsde.kernels.philox import SUBORDINATOR, draw_words
from fastsde.kernels.stable import log_positive_stable

__all__ = ["Truncated"]


class Truncated(NamedTuple):
    """Elliptical stable increments with A0 drawn again while its logarithm is above `log_limit`."""

    a: float
    log_limit: float


@noise_law(Truncated)
def truncated(law, stream):
    """Return ``sqrt(A0)``."""
    return exp64(_log_below(law.a, law.log_limit, stream) * 0.5)


@never_inlined
@in_double
def _log_below(a, log_limit, stream):
    """Return the logarithm of a one-sided stable number given that it is at most `log_limit`."""
    w0, w1, w2, w3 = draw_words(stream, SUBORDINATOR, uint64(0))
    size = log_positive_stable(a, w0, w1, w2, w3)
    number = uint64(1)
    while any_lane(size > log_limit):
        w0, w1, w2, w3 = draw_words(stream, SUBORDINATOR, number)
        size = select(size > log_limit, log_positive_stable(a, w0, w1, w2, w3), size)
        number += uint64(1)
    return size
