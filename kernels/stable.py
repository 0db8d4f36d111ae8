"""Alpha-stable, tempered stable and gamma numbers, in ``float64`` whatever the trajectories' precision.

Tails need bits: every uniform here has 53, and logarithms carry what would overflow.
"""

import math

import numpy as np
from numba import uint64

from fastsde.kernels.box_muller import normals64, uniform64
from fastsde.kernels.elementary import exp64, log64, sin_pi64
from fastsde.kernels.lanes import alike, any_lane, select
from fastsde.kernels.options import in_double, inlined, kernel
from fastsde.kernels.philox import draw_words

__all__ = ["gamma", "log_positive_stable", "symmetric_stable", "tempered_subordinator"]

ONE = np.uint64(1)
PIECE = np.uint64(10)  # a number made by rejection has 2**10 draws to itself, of 2**32
TINY_LOG = 1e-300


@inlined
@in_double
def log_positive_stable(a, w0, w1, w2, w3):
    """Logarithm of a one-sided stable number with Laplace transform ``exp(-s**a)``, 0 < a < 1 (Kanter 1975).

    With ``U = pi (1 - v)``, v and the exponential E from four words; the tail lives at v -> 0, where
    ``sin(pi v)`` keeps its relative precision.
    """
    v = uniform64(w0, w1)
    e = -log64(uniform64(w2, w3))
    rest = 1.0 - v
    return (
        log64(sin_pi64(rest * a))
        - log64(sin_pi64(v)) * (1.0 / a)
        + (log64(sin_pi64(rest * (1.0 - a))) - log64(e)) * ((1.0 - a) / a)
    )


@inlined
@in_double
def symmetric_stable(alpha, w0, w1, w2, w3):
    """Symmetric stable number with characteristic function ``exp(-|u|**alpha)``.

    Chambers, Mallows and Stuck (1976).

    ``V = sign pi (1/2 - w)`` with w in (0, 1/2) uniform, so the tail at ``|V| -> pi/2`` is at w -> 0.
    """
    w = uniform64(w0, w1) * 0.5
    e = -log64(uniform64(w2, w3))
    rest = 0.5 - w
    size = (
        log64(select(rest > 0.0, sin_pi64(rest * alpha), TINY_LOG))
        - log64(sin_pi64(w)) * (1.0 / alpha)
        + (log64(sin_pi64(0.5 - rest * abs(1.0 - alpha))) - log64(e)) * ((1.0 - alpha) / alpha)
    )
    x = exp64(size)
    return select((w1 & ONE) == ONE, -x, x)


@kernel
@in_double
def tempered_subordinator(a, log_scale, pieces, rate, stream, purpose):
    """Increment ``A / dt`` of the tempered stable subordinator: mean 1, variance ``(1 - a) / rate``.

    `rate` is ``lambda dt``; the increment is the sum of `pieces` independent ones. A piece is
    ``lambda A = exp(log_scale) A0`` with A0 one-sided stable and ``log_scale = log(rate / pieces / a) / a``,
    accepted with probability ``exp(-lambda A)`` (Laplace exponent ``c ((s + lambda)**a - lambda**a)``, ``c =
    lambda**(1-a) / a``). Each lane takes its own first accepted draw, so it does not depend on its
    neighbours.
    """
    total = alike(uniform64(stream.counter[1], stream.counter[1]), 0.0)
    for piece in range(pieces):
        number = uint64(piece) << PIECE
        taken = alike(total, -1.0)
        while any_lane(taken < 0.0):
            w0, w1, w2, w3 = draw_words(stream, purpose, number)
            x = exp64(log_positive_stable(a, w0, w1, w2, w3) + log_scale)
            w0, w1, w2, w3 = draw_words(stream, purpose, number + ONE)
            accepted = -log64(uniform64(w0, w1)) > x
            taken = select(taken < 0.0, select(accepted, x, -1.0), taken)
            number += uint64(2)
        total = total + taken
    return total * (1.0 / rate)


@kernel
@in_double
def gamma(shape, index, stream, purpose):
    """Gamma number `index` of unit scale (Marsaglia and Tsang 2000); `shape` > 0."""
    raised = shape if shape >= 1.0 else shape + 1.0
    d = raised - 1.0 / 3.0
    c = 1.0 / math.sqrt(9.0 * d)
    taken = alike(uniform64(stream.counter[1], stream.counter[1]), -1.0)
    number = (uint64(index) << PIECE) + ONE
    while any_lane(taken < 0.0):
        w0, w1, w2, w3 = draw_words(stream, purpose, number)
        x, _ = normals64(w0, w1, w2, w3)
        w0, w1, w2, w3 = draw_words(stream, purpose, number + ONE)
        u = uniform64(w0, w1)
        root = x * c + 1.0
        v = root * root * root
        safe = select(root > 0.0, v, 1.0)
        accepted = log64(u) < x * x * 0.5 + d - v * d + log64(safe) * d
        good = select(root > 0.0, select(accepted, v * d, -1.0), -1.0)
        taken = select(taken < 0.0, good, taken)
        number += uint64(2)
    if shape < 1.0:
        w0, w1, w2, w3 = draw_words(stream, purpose, uint64(index) << PIECE)
        taken = taken * exp64(log64(uniform64(w0, w1)) * (1.0 / shape))
    return taken
