"""Momentum around a step."""

from typing import Any, NamedTuple

from fastsde.kernels.lanes import broadcast, fma, load, meet, share, store
from fastsde.kernels.options import never_inlined
from fastsde.kernels.step import INNER, faster_with_inner, step, step_of

__all__ = ["Momentum"]


class Momentum(NamedTuple):
    """Heavy ball (Polyak 1964), or Nesterov's form: ``v <- mu v + g``, ``theta <- theta - dt v``.

    g is the displacement of the inner step over ``-dt``; v is carried.
    """

    dense: bool
    dt: float
    inner: Any
    mu: float
    nesterov: bool


@step_of(Momentum, cooperative=True, rescale=faster_with_inner, memory=INNER)
def momentum(dynamics, m, net, data, moment):
    """Take the inner step, then turn it into one with momentum."""
    for k in share(m, net.parameters):
        store(m, net.kept + k, load(m, k))
    meet(m)
    finite = step(dynamics.inner, m, net, data, moment)
    _remember(m, net, dynamics.dt, dynamics.mu, dynamics.nesterov)
    return finite


@never_inlined
def _remember(m, net, dt, mu, nesterov):
    """Turn the step from `kept` to the state into one with momentum."""
    for k in share(m, net.parameters):
        before, at = load(m, net.kept + k), net.carried + k
        gradient = (before - load(m, k)) * (1.0 / dt)
        velocity = fma(load(m, at), broadcast(m, mu), gradient)
        store(m, at, velocity)
        if nesterov:
            velocity = fma(velocity, broadcast(m, mu), gradient)
        store(m, k, fma(velocity, broadcast(m, -dt), before))
    meet(m)
