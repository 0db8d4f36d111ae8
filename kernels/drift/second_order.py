"""The second-order drift of the modified equation (Li, Tai and E 2019)."""

import math

from fastsde.kernels.dln import inner_product
from fastsde.kernels.lanes import broadcast, fma, load, select, store
from fastsde.kernels.options import kernel
from fastsde.kernels.probe import hold_state, probe, return_to_hold

__all__ = ["add_second_order"]


@kernel
def add_second_order(m, net, data, terms):
    """Add ``second H grad U`` to `extra`; `along` holds the gradient of U."""
    p, second = net.parameters, terms.second
    size = math.sqrt(inner_product(m, net.along, net.along, p))
    shrink = select(size > 0.0, 1.0 / size, 0.0)
    for k in range(p):
        direction = load(m, net.along + k)
        decay = broadcast(m, second * terms.decay)
        store(m, net.extra + k, fma(direction, decay, load(m, net.extra + k)))
        store(m, net.along + k, direction * shrink)
    hold_state(m, net)
    for j in range(len(terms.nodes)):
        probe(m, net, data, terms.nodes[j])
        factor = size * (second * terms.odd[j])
        for k in range(p):
            at = net.extra + k
            store(m, at, fma(load(m, net.gradient[0] + k), factor, load(m, at)))
        probe(m, net, data, -terms.nodes[j])
        for k in range(p):
            at = net.extra + k
            store(m, at, load(m, at) - factor * load(m, net.gradient[0] + k))
    return_to_hold(m, net, data)
