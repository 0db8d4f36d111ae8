"""Gradients beside the state, along a direction: what directional derivatives of the gradient are made of.

Along a line the gradient of a deep linear network is a polynomial of degree ``2 L - 1``, so weights at L
nodes give its first derivative, and those at ``L - 1`` its second, exactly but for rounding; on other
landscapes the same sums are central differences.
"""

from fastsde.kernels.dln import deviate, full_residual, product, push
from fastsde.kernels.lanes import broadcast, fma, load, store
from fastsde.kernels.options import kernel, never_inlined

__all__ = ["hold_state", "probe", "return_to_hold"]


@kernel
def hold_state(m, net):
    """Keep the state in `hold`."""
    for k in range(net.parameters):
        store(m, net.hold + k, load(m, k))


@never_inlined
def probe(m, net, data, distance):
    """Write the gradient at ``hold + distance along`` to `gradient`, and leave the state there."""
    far = broadcast(m, distance)
    for k in range(net.parameters):
        store(m, k, fma(load(m, net.along + k), far, load(m, net.hold + k)))
    product(m, net)
    deviate(m, net, data)
    full_residual(m, net, data)
    push(m, net, net.gradient, None)


@kernel
def return_to_hold(m, net, data):
    """Go back to the held state, its product and deviation included."""
    for k in range(net.parameters):
        store(m, k, load(m, net.hold + k))
    product(m, net)
    deviate(m, net, data)
