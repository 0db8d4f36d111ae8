"""What is kept of the path of a trajectory: the sum of its states, its length, where it started."""

import math
from typing import Any, NamedTuple

from fastsde.kernels.dln import inner_product
from fastsde.kernels.lanes import load, meet, share, store
from fastsde.kernels.options import inlined, never_inlined
from fastsde.kernels.step import INNER, step, step_of

__all__ = ["Tracked"]


class Tracked(NamedTuple):
    """The outermost step, which notes what happens to the state; it changes nothing of it.

    `sums`, `length` and `origin` say where numbers are behind the parameters, from ``net.carried`` on; -1 is
    nowhere. At `sums` there are p sums and p corrections; at `length` the length and its correction, and the
    p coordinates of the last state; at `origin` the p coordinates of the first state.

    Sums are compensated (Kahan 1965): the error of a sum of n numbers is below ``2 u + O(n u^2)`` times the
    sum of their sizes, u the unit of rounding of the study's precision, in place of ``n u``.
    """

    dense: bool
    dt: float
    inner: Any
    sums: int
    length: int
    origin: int


@step_of(Tracked, cooperative=True, rescale=None, memory=INNER)
def tracked(dynamics, m, net, data, moment):
    """Take the inner step, and add the state that it leads to."""
    if moment.number == 0:
        _begin(m, net, dynamics.length, dynamics.origin)
    finite = step(dynamics.inner, m, net, data, moment)
    _note(m, net, dynamics.sums, dynamics.length)
    return finite


@never_inlined
def _begin(m, net, length, origin):
    """Keep the state that the first step starts from."""
    for k in share(m, net.parameters):
        if length >= 0:
            store(m, net.carried + length + 2 + k, load(m, k))
        if origin >= 0:
            store(m, net.carried + origin + k, load(m, k))
    meet(m)


@never_inlined
def _note(m, net, sums, length):
    """Add the state to the sums, and its distance from the last one to the length."""
    p = net.parameters
    if sums >= 0:
        first = net.carried + sums
        for k in share(m, p):
            total, rest = _added(load(m, first + k), load(m, first + p + k), load(m, k))
            store(m, first + k, total)
            store(m, first + p + k, rest)
    if length >= 0:
        last = net.carried + length + 2
        for k in share(m, p):
            store(m, last + k, load(m, k) - load(m, last + k))
        meet(m)
        distance = math.sqrt(inner_product(m, last, last, p))
        at = net.carried + length
        total, rest = _added(load(m, at), load(m, at + 1), distance)
        meet(m)
        store(m, at, total)
        store(m, at + 1, rest)
        for k in share(m, p):
            store(m, last + k, load(m, k))
    meet(m)


@inlined
def _added(total, rest, number):
    """Return a sum and its correction once a number is added; the sum less the correction is the value."""
    part = number - rest
    more = total + part
    return more, (more - total) - part
