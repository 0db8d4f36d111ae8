"""Noise whose components are drawn one by one: normal, or independent symmetric stable, whole or truncated.

Elliptical laws share one number among all components (`fastsde.kernels.clock`) and draw normals here.
"""

import math
from typing import NamedTuple

from numba import uint64

from fastsde.kernels.lanes import any_lane, broadcast, fma, like, load, meet, scalar, select, share, store
from fastsde.kernels.normal import add_normals, fill_normals
from fastsde.kernels.options import apart, choice, has_class, in_double, inlined
from fastsde.kernels.philox import MASK, philox
from fastsde.kernels.stable import symmetric_stable

__all__ = ["Components", "Coupled", "add_law", "fill_law"]

PIECE = 10  # a number made by rejection has 2**10 draws to itself, of 2**32
HALF_ROOT = 0.7071067811865476


class Components(NamedTuple):
    """Independent symmetric stable components, each of the scale of a unit normal over the root of two.

    A component beyond `limit` (in that scale; infinite for no truncation) is drawn again.
    """

    alpha: float
    limit: float


class Coupled(NamedTuple):
    """Normal components, each the sum over `ratio` finer steps inside this one, over the root of `ratio`.

    Steps of any length then share one Brownian path, that of the finest.
    """

    ratio: int


def fill_law(m, start, count, law, counter, key, purpose):
    """Write `count` lane vectors of unit noise from lane vector `start`; up to 3 more are overwritten."""
    raise NotImplementedError("compiled only")


@choice(fill_law)
def _fill_law(m, start, count, law, counter, key, purpose):
    if has_class(law, Components):
        return lambda m, start, count, law, counter, key, purpose: _fill_components(
            m, start, count, law, counter, key, purpose
        )
    if has_class(law, Coupled):
        return lambda m, start, count, law, counter, key, purpose: _fill_coupled(
            m, start, count, law, counter, key, purpose
        )
    return lambda m, start, count, law, counter, key, purpose: fill_normals(
        m, start, count, counter, key, purpose
    )


def add_law(m, start, count, scale, law, counter, key, purpose):
    """Add to `count` lane vectors `scale` times the noise that `fill_law` would write."""
    raise NotImplementedError("compiled only")


@choice(add_law)
def _add_law(m, start, count, scale, law, counter, key, purpose):
    if has_class(law, Components):
        return lambda m, start, count, scale, law, counter, key, purpose: _add_components(
            m, start, count, scale, law, counter, key, purpose
        )
    if has_class(law, Coupled):
        return lambda m, start, count, scale, law, counter, key, purpose: _add_coupled(
            m, start, count, scale, law, counter, key, purpose
        )
    return lambda m, start, count, scale, law, counter, key, purpose: add_normals(
        m, start, count, scale, counter, key, purpose
    )


@inlined
@in_double
def _component(law, k, counter, key, purpose):
    """Return component `k`, in ``float64``; each lane takes its own first draw within the limit."""
    c1, c2, c3 = counter[0], counter[1], counter[2] ^ uint64(purpose)
    number = uint64(k) << uint64(PIECE)
    w0, w1, w2, w3 = philox(number, c1, c2, c3, key[0], key[1])
    x = symmetric_stable(law.alpha, w0, w1, w2, w3)
    while any_lane(x > law.limit) or any_lane(x < -law.limit):
        number += uint64(1)
        w0, w1, w2, w3 = philox(number, c1, c2, c3, key[0], key[1])
        again = symmetric_stable(law.alpha, w0, w1, w2, w3)
        x = select(x > law.limit, again, select(x < -law.limit, again, x))
    return x * HALF_ROOT


@apart
def _fill_components(m, start, count, law, counter, key, purpose):
    for k in share(m, count):
        store(m, start + k, like(m, _component(law, k, counter, key, purpose)))
    meet(m)


@apart
def _add_components(m, start, count, scale, law, counter, key, purpose):
    for k in share(m, count):
        at = start + k
        store(m, at, fma(like(m, _component(law, k, counter, key, purpose)), scale, load(m, at)))
    meet(m)


@apart
def _add_coupled(m, start, count, scale, law, counter, key, purpose):
    part = broadcast(m, 1.0 / math.sqrt(scalar(m, law.ratio))) * scale
    for i in range(law.ratio):
        step = (counter[0] * uint64(law.ratio) + uint64(i)) & MASK
        add_normals(m, start, count, part, (step, counter[1], counter[2]), key, purpose)


@apart
def _fill_coupled(m, start, count, law, counter, key, purpose):
    for k in share(m, count):
        store(m, start + k, broadcast(m, 0.0))
    meet(m)
    part = broadcast(m, 1.0 / math.sqrt(scalar(m, law.ratio)))
    for i in range(law.ratio):
        step = (counter[0] * uint64(law.ratio) + uint64(i)) & MASK
        add_normals(m, start, count, part, (step, counter[1], counter[2]), key, purpose)
