"""Underdamped Langevin dynamics with isotropic noise, by the splitting BAOAB."""

import math
from typing import Any, NamedTuple

from fastsde.kernels.averages import keep
from fastsde.kernels.lanes import broadcast, fma, load, meet, scalar, share, store
from fastsde.kernels.moment import rekeyed
from fastsde.kernels.normal import add_normals
from fastsde.kernels.options import in_double, inlined, never_inlined
from fastsde.kernels.philox import NOISE
from fastsde.kernels.precision import Float64
from fastsde.kernels.step import faster_with_inner, step, step_of

__all__ = ["Baoab"]

FIRST_VELOCITY = 0x7F4A7C15
"""Changes the key of the draws of the first velocity."""


class Baoab(NamedTuple):
    """``d theta = p dt``, ``dp = -(grad U / mass + friction p) dt + sqrt(2 friction T / mass) dW``.

    A step of BAOAB (Leimkuhler and Matthews 2013) with the last kick of a step joined to the first of the
    next: kick, half a drift, friction and noise, half a drift. The first kick of all is half of one. So the
    states are those of BAOAB, and the velocity p that is carried is the one before the last half kick.
    The displacement of the inner step is ``-dt grad U``.
    """

    dense: bool
    dt: float
    inner: Any
    friction: Float64
    temperature: Float64
    mass: Float64
    moving: bool  # whether the first velocity is of equilibrium, else 0


@step_of(Baoab, cooperative=True, rescale=faster_with_inner)
def baoab(dynamics, m, net, data, moment):
    """Take a step."""
    keep(m, net)
    finite = step(dynamics.inner, m, net, data, moment)
    p, start, kick = net.parameters, net.carried, scalar(m, _kick(dynamics.mass, moment.number))
    if moment.number == 0 and dynamics.moving:
        size = scalar(m, _thermal(dynamics.temperature, dynamics.mass))
        add_normals(m, start, p, size, rekeyed(moment.stream, 0, FIRST_VELOCITY), NOISE)
    fall = scalar(m, _fall(dynamics.friction, dynamics.dt))
    size = scalar(m, _spread(dynamics.temperature, dynamics.mass, dynamics.friction, dynamics.dt))
    half = dynamics.dt * 0.5
    _kick_and_drift(m, net, kick, half, fall)
    add_normals(m, start, p, size, moment.stream, NOISE)
    drift(m, net, half)
    return finite


@inlined
@in_double
def _kick(mass, number):
    return (0.5 if number == 0 else 1.0) / mass


@inlined
@in_double
def _thermal(temperature, mass):
    return math.sqrt(temperature / mass)


@inlined
@in_double
def _fall(friction, dt):
    return math.exp(-friction * dt)


@inlined
@in_double
def _spread(temperature, mass, friction, dt):
    """Return ``sqrt((1 - exp(-x)) T / mass)``, x twice friction times dt; a series where x is small."""
    x = 2.0 * friction * dt
    lost = x * (1.0 - x * 0.5 * (1.0 - x / 3.0)) if x < 1e-4 else 1.0 - math.exp(-x)
    return math.sqrt(lost * temperature / mass)


@never_inlined
def _kick_and_drift(m, net, kick, half, fall):
    """Add the step from `kept` to the state to the velocity, drift from `kept`, and let friction act."""
    for k in share(m, net.parameters):
        before, at = load(m, net.kept + k), net.carried + k
        velocity = fma(load(m, k) - before, broadcast(m, kick), load(m, at))
        store(m, k, fma(velocity, broadcast(m, half), before))
        store(m, at, velocity * fall)
    meet(m)


@never_inlined
def drift(m, net, time):
    """Move the state along the velocity."""
    for k in share(m, net.parameters):
        store(m, k, fma(load(m, net.carried + k), broadcast(m, time), load(m, k)))
    meet(m)
