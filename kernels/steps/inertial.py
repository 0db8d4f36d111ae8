"""Dynamics with inertia whose forces are another step, by a symmetric splitting."""

from typing import Any, NamedTuple

from fastsde.kernels.averages import keep
from fastsde.kernels.dln import deviate, product
from fastsde.kernels.lanes import broadcast, fma, load, meet, share, store
from fastsde.kernels.options import inlined, never_inlined
from fastsde.kernels.step import rescaled, step, step_of
from fastsde.kernels.steps.baoab import drift

__all__ = ["Inertial"]


class Inertial(NamedTuple):
    """``d theta = p dt``, ``mass (dp + friction p dt) = -grad U dt + noise``, a splitting of weak order 2.

    Half a drift, forces with friction by the trapezoidal rule, ``p <- ((1 - a) p + D / mass) / (1 + a)``,
    half a drift. D is the displacement of the inner step at the midpoint, its forces with their noise, and a
    the `damping`, ``friction dt / 2``. A symmetric splitting, whose middle part is exact to second order at
    a fixed position: of weak order 2, also where the noise follows the position. p is carried.
    """

    dense: bool
    dt: float
    inner: Any
    damping: float
    mass: float
    bound: bool  # whether friction and mass are those of an algorithm, per step: a schedule changes them


@inlined
def _faster(dynamics, f, noise):
    """Multiply dt and rescale the inner step; the friction of an algorithm stays that of a step."""
    inner = rescaled(dynamics.inner, f, noise)
    damping = dynamics.damping if dynamics.bound else dynamics.damping * f
    mass = dynamics.mass * f if dynamics.bound else dynamics.mass
    return Inertial(dynamics.dense, dynamics.dt * f, inner, damping, mass, dynamics.bound)


@step_of(Inertial, cooperative=True, rescale=_faster)
def inertial(dynamics, m, net, data, moment):
    """Take a step."""
    half = dynamics.dt * 0.5
    drift(m, net, half)
    product(m, net)
    deviate(m, net, data)
    keep(m, net)
    finite = step(dynamics.inner, m, net, data, moment)
    below = 1.0 / (1.0 + dynamics.damping)
    _accelerate(m, net, (1.0 - dynamics.damping) * below, below / dynamics.mass)
    drift(m, net, half)
    return finite


@never_inlined
def _accelerate(m, net, kept, force):
    """Change the velocity by the step from `kept` to the state, and go back to `kept`."""
    for k in share(m, net.parameters):
        before, at = load(m, net.kept + k), net.carried + k
        moved = load(m, k) - before
        store(m, at, fma(moved, broadcast(m, force), load(m, at) * kept))
        store(m, k, before)
    meet(m)
