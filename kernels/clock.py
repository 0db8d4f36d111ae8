"""What stretches a Gaussian increment: nothing, a stable number, or a tempered stable subordinator."""

import math
from typing import NamedTuple

from numba import types, uint64
from numba.extending import overload

from fastsde.kernels.elementary import exp64
from fastsde.kernels.lanes import like
from fastsde.kernels.options import COMMON, has_class
from fastsde.kernels.philox import SUBORDINATOR, philox
from fastsde.kernels.stable import log_positive_stable, tempered_subordinator

__all__ = ["Stable", "Tempered", "stretch"]


class Stable(NamedTuple):
    """Elliptical stable increments: Gaussian times ``sqrt(A0)``, A0 one-sided a-stable, a = alpha / 2."""

    a: float


class Tempered(NamedTuple):
    """Normal tempered stable increments: Gaussian times ``sqrt(A / dt)``; see `tempered_subordinator`."""

    a: float
    log_scale: float
    pieces: int
    rate: float


def stretch(m, clock, counter, key):
    """Return the factor of this step's Gaussian increment, one for all components; 1.0 without a clock."""
    raise NotImplementedError("compiled only")


@overload(stretch, jit_options=COMMON)
def _stretch(m, clock, counter, key):
    def nothing(m, clock, counter, key):
        return 1.0

    def stable(m, clock, counter, key):
        c3 = counter[2] ^ uint64(SUBORDINATOR)
        w0, w1, w2, w3 = philox(uint64(0), counter[0], counter[1], c3, key[0], key[1])
        return like(m, exp64(log_positive_stable(clock.a, w0, w1, w2, w3) * 0.5))

    def tempered(m, clock, counter, key):
        ratio = tempered_subordinator(
            clock.a, clock.log_scale, clock.pieces, clock.rate, counter, key, SUBORDINATOR
        )
        return like(m, math.sqrt(ratio))

    if isinstance(clock, types.NoneType):
        return nothing
    if has_class(clock, Stable):
        return stable
    return tempered if has_class(clock, Tempered) else None
