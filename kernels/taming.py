"""The drift of steps whose noise may throw them far: limited where it is large."""

import math

from fastsde.kernels.dln import full_residual, inner_product, push
from fastsde.kernels.lanes import any_lane, broadcast, select
from fastsde.kernels.options import choice, is_absent, never_inlined

__all__ = ["kept_drift"]


def kept_drift(m, net, data, tamed, dt, law):
    """Return the factor of the drift: ``min(1, 1 / (dt |grad L|))`` where the drift is tamed, else 1.

    A bound of ``|grad L|`` by norms of the layers comes first; the gradient itself is made only where the
    bound is large. Tamed Euler (Hutzenthaler, Jentzen and Kloeden 2012) limits a step in the same way at
    large gradients; this form leaves ordinary steps untouched. Without a law the factor is the number 1.
    """
    raise NotImplementedError("compiled only")


@choice(kept_drift, argument="law", field="clock")
def _kept_drift(m, net, data, tamed, dt, law):
    if is_absent(law):
        return lambda m, net, data, tamed, dt, law: 1.0
    return lambda m, net, data, tamed, dt, law: _tame(m, net, data, tamed, dt)


@never_inlined
def _tame(m, net, data, tamed, dt):
    one = broadcast(m, 1.0)
    if not tamed:
        return one
    full_residual(m, net, data)
    total, others = one, broadcast(m, 0.0)
    for l in range(len(net.weight)):
        square = inner_product(m, net.weight[l], net.weight[l], net.widths[l] * net.widths[l + 1])
        others = others * square + total
        total = total * square
    size = net.widths[0] * net.widths[-1]
    bound = inner_product(m, net.residual, net.residual, size) * others * (dt * dt)
    large = bound > 1.0
    if not any_lane(large):
        return one
    push(m, net, net.gradient, None)
    square = inner_product(m, net.gradient[0], net.gradient[0], net.parameters) * (dt * dt)
    return select(large, select(square > 1.0, one / math.sqrt(square), one), one)
