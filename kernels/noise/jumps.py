"""Gaussian noise with compound Poisson jumps (Merton 1976)."""

import math
from typing import NamedTuple

from numba import uint64

from fastsde.kernels.box_muller import uniform64
from fastsde.kernels.lanes import alike, any_lane, select
from fastsde.kernels.noise_law import noise_law
from fastsde.kernels.options import in_double, never_inlined
from fastsde.kernels.philox import JUMP, draw_words

__all__ = ["Jumps"]


class Jumps(NamedTuple):
    """A Gaussian part and a compound Poisson one, in the same covariance.

    `mean` jumps per step, each normal, carry the share `share` of the variance: the increment is Gaussian
    times ``sqrt(1 - share + share K / mean)``, K Poisson of mean `mean`.
    """

    mean: float
    share: float


@noise_law(Jumps)
def jumps(law, stream):
    """Return ``sqrt(1 - share + share K / mean)``."""
    count = _poisson(law.mean, stream)
    return math.sqrt(count * (law.share / law.mean) + (1.0 - law.share))


@never_inlined
@in_double
def _poisson(mean, stream):
    """Return Poisson numbers as ``float64`` lanes, by inversion; `mean` at most some hundreds."""
    w0, w1, _, _ = draw_words(stream, JUMP, uint64(0))
    u = uniform64(w0, w1)
    count = alike(u, 0.0)
    term = math.exp(-mean)
    total, k = term, 0
    while any_lane(u > total) and term > 1e-18 * total:
        k += 1
        count = select(u > total, count + 1.0, count)
        term *= mean / k
        total += term
    return count
