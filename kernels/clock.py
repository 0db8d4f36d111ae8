"""What stretches a Gaussian increment, one number for all components: its square is the mixing law.

Nothing, a stable number whole or truncated, a tempered stable subordinator, or a Poisson number of jumps.
"""

import math
from typing import NamedTuple

from numba import uint64

from fastsde.kernels.components import Components, Coupled
from fastsde.kernels.elementary import exp64
from fastsde.kernels.lanes import alike, any_lane, like, select
from fastsde.kernels.normal import uniform64
from fastsde.kernels.options import apart, choice, has_class, in_double, is_absent
from fastsde.kernels.philox import JUMP, SUBORDINATOR, philox
from fastsde.kernels.stable import log_positive_stable, tempered_subordinator

__all__ = ["Jumps", "Stable", "Tempered", "Truncated", "stretch"]


class Stable(NamedTuple):
    """Elliptical stable increments: Gaussian times ``sqrt(A0)``, A0 one-sided a-stable, a = alpha / 2."""

    a: float


class Tempered(NamedTuple):
    """Normal tempered stable increments: Gaussian times ``sqrt(A / dt)``; see `tempered_subordinator`."""

    a: float
    log_scale: float
    pieces: int
    rate: float


class Truncated(NamedTuple):
    """Elliptical stable increments with A0 drawn again while its logarithm is above `log_limit`."""

    a: float
    log_limit: float


class Jumps(NamedTuple):
    """A Gaussian part and a compound Poisson one, in the same covariance (Merton 1976).

    `mean` jumps a step, each normal, carry the share `share` of the variance: the increment is Gaussian times
    ``sqrt(1 - share + share K / mean)``, K Poisson of mean `mean`.
    """

    mean: float
    share: float


def stretch(m, clock, counter, key):
    """Return the factor of this step's Gaussian increment, one for all components; 1.0 without a clock."""
    raise NotImplementedError("compiled only")


@choice(stretch)
def _stretch(m, clock, counter, key):
    def nothing(m, clock, counter, key):
        return 1.0

    @in_double
    def stable(m, clock, counter, key):
        c3 = counter[2] ^ uint64(SUBORDINATOR)
        w0, w1, w2, w3 = philox(uint64(0), counter[0], counter[1], c3, key[0], key[1])
        return like(m, exp64(log_positive_stable(clock.a, w0, w1, w2, w3) * 0.5))

    @in_double
    def tempered(m, clock, counter, key):
        ratio = tempered_subordinator(
            clock.a, clock.log_scale, clock.pieces, clock.rate, counter, key, SUBORDINATOR
        )
        return like(m, math.sqrt(ratio))

    @in_double
    def truncated(m, clock, counter, key):
        return like(m, exp64(_truncated_log(clock.a, clock.log_limit, counter, key) * 0.5))

    @in_double
    def jumps(m, clock, counter, key):
        count = _poisson(clock.mean, counter, key)
        return like(m, math.sqrt(count * (clock.share / clock.mean) + (1.0 - clock.share)))

    if is_absent(clock) or has_class(clock, Components) or has_class(clock, Coupled):
        return nothing
    kinds = {Stable: stable, Tempered: tempered, Truncated: truncated, Jumps: jumps}
    return next((made for kind, made in kinds.items() if has_class(clock, kind)), None)


@apart
@in_double
def _truncated_log(a, log_limit, counter, key):
    """Return the logarithm of a one-sided stable number given that it is at most `log_limit`."""
    c1, c2, c3 = counter[0], counter[1], counter[2] ^ uint64(SUBORDINATOR)
    w0, w1, w2, w3 = philox(uint64(0), c1, c2, c3, key[0], key[1])
    size = log_positive_stable(a, w0, w1, w2, w3)
    number = uint64(1)
    while any_lane(size > log_limit):
        w0, w1, w2, w3 = philox(number, c1, c2, c3, key[0], key[1])
        size = select(size > log_limit, log_positive_stable(a, w0, w1, w2, w3), size)
        number += uint64(1)
    return size


@apart
@in_double
def _poisson(mean, counter, key):
    """Return Poisson numbers as ``float64`` lanes, by inversion; `mean` at most some hundreds."""
    c1, c2, c3 = counter[0], counter[1], counter[2] ^ uint64(JUMP)
    w0, w1, _, _ = philox(uint64(0), c1, c2, c3, key[0], key[1])
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
