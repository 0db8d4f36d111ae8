"""The Hessian of the loss times a direction, one block of trajectories.

The derivative of back-propagation along a direction V, by the product rule. With ``P_l = W_l ... W_1`` and
``B_l = W_{>l}^T R``, both held for the state, a product carries ``dP_l = V_l P_{l-1} + W_l dP_{l-1}`` forth
and ``dB_{l-1} = W_l^T dB_l + V_l^T B_l`` back from ``dB_L = c dP_L S``; layer l of the result is ``dB_l
P_{l-1}^T + B_l dP_{l-1}^T``. No p x p matrix is formed; the cost is that of about three gradients.
"""

from typing import Any, NamedTuple

import numpy as np

from fastsde.kernels.dln import deviate, full_residual, product
from fastsde.kernels.lanes import load, store
from fastsde.kernels.layout import Measurements
from fastsde.kernels.matmul import matmul
from fastsde.kernels.measure import curve
from fastsde.kernels.options import choice, has_class, kernel

__all__ = ["Space", "hessian_vector", "plan_space", "settle"]


class Space(NamedTuple):
    """Places in the memory of Hessian products and Lanczos, besides the block's own, in lane vectors."""

    back: Any  # (L,) B_l, d_l x d_in
    turn: Any  # (L,) dP_l, d_l x d_in; that of layer 1 is the direction's own first layer
    change: int  # dB_l
    partner: int  # dB_{l-1}, in turns with it
    diagonal: int  # of the tridiagonal matrix, one per step
    off: int  # next to the diagonal, one per step
    solved: int  # of a tridiagonal system, one per step
    ratio: int  # of its factorisation, one per step
    found: int  # two eigenvalues and the bounds of their errors
    basis: int  # Lanczos vectors, p each, one more than steps
    steps: int  # at most
    size: int  # of the whole memory


def plan_space(widths, steps):
    """Lay out that memory for a network and at most `steps` Lanczos steps."""
    widths = np.asarray(widths, dtype=np.int64)
    d_in, widest = int(widths[0]), int(widths.max())
    parameters = int((widths[1:] * widths[:-1]).sum())
    end = 0

    def room(size):
        nonlocal end
        start = end
        end += int(size)
        return start

    back = np.array([room(width * d_in) for width in widths[1:]], dtype=np.int64)
    turn = np.array([room(width * d_in) for width in widths[1:]], dtype=np.int64)
    places = {
        "change": room(widest * d_in),
        "partner": room(widest * d_in),
        "diagonal": room(steps),
        "off": room(steps),
        "solved": room(steps),
        "ratio": room(steps),
        "found": room(4),
        "basis": room((steps + 1) * parameters),
    }
    return Space(back, turn, **places, steps=steps, size=end)


@kernel
def settle(m, space, net, data, plan):
    """Compute what all products at the block's point share: prefix products in `m`, ``B_l`` in `space`."""
    d_in = net.widths[0]
    layers = len(net.weight)
    product(m, net)
    deviate(m, net, data)
    full_residual(m, net, data)
    for k in range(net.widths[-1] * d_in):
        store(space, plan.back[-1] + k, load(m, net.residual + k))
    for l in range(layers - 1, 0, -1):
        rows, columns = net.widths[l + 1], net.widths[l]
        above, below = plan.back[l], plan.back[l - 1]
        matmul(m, net.weight[l], 1, columns, space, above, d_in, 1, space, below, columns, d_in, rows, None)


@kernel
def hessian_vector(m, space, net, data, plan, direction, out):
    """Write H times the direction at place `direction` of `space` to place `out`; after `settle`."""
    top = _forth(m, space, net, plan, direction)
    _curve(m, space, net, data, top, plan.change)
    _back(m, space, net, plan, direction, out)


def _curve(m, space, net, data, top, change):
    """Write the change of R by a change of the end-to-end matrix at place `top` of `space`."""
    raise NotImplementedError("compiled only")


@choice(_curve)
def _chosen_curve(m, space, net, data, top, change):
    if has_class(data, Measurements):
        return lambda m, space, net, data, top, change: curve(m, net, data, space, top, space, change)
    return _network_curve


def _network_curve(m, space, net, data, top, change):
    d_in, d_out = net.widths[0], net.widths[-1]
    if data.white:
        for k in range(d_out * d_in):
            store(space, change + k, load(space, top + k) * data.scale)
    else:
        matmul(space, top, d_in, 1, data.covariance, 0, d_in, 1, space, change, d_out, d_in, d_in, None)
        for k in range(d_out * d_in):
            store(space, change + k, load(space, change + k) * data.scale)


@kernel
def _forth(m, space, net, plan, direction):
    """Carry ``dP_l`` through the layers; returns the place of the last."""
    d_in = net.widths[0]
    below = direction
    for l in range(1, len(net.weight)):
        rows, inside = net.widths[l + 1], net.widths[l]
        turn, before, here = plan.turn[l], net.prefix[l - 1], direction + net.weight[l]
        matmul(space, here, inside, 1, m, before, d_in, 1, space, turn, rows, d_in, inside, None)
        matmul(m, net.weight[l], inside, 1, space, below, d_in, 1, space, turn, rows, d_in, inside, -1.0)
        below = turn
    return below


@kernel
def _back(m, space, net, plan, direction, out):
    """Carry ``dB_l`` from the last layer to the first and write each layer's part of the product."""
    d_in = net.widths[0]
    change, partner = plan.change, plan.partner
    for l in range(len(net.weight) - 1, 0, -1):
        rows, columns = net.widths[l + 1], net.widths[l]
        before, back = net.prefix[l - 1], plan.back[l]
        below = plan.turn[l - 1] if l > 1 else direction
        place, here = out + net.weight[l], direction + net.weight[l]
        matmul(space, change, d_in, 1, m, before, 1, d_in, space, place, rows, columns, d_in, None)
        matmul(space, back, d_in, 1, space, below, 1, d_in, space, place, rows, columns, d_in, -1.0)
        matmul(
            m, net.weight[l], 1, columns, space, change, d_in, 1, space, partner, columns, d_in, rows, None
        )
        matmul(space, here, 1, columns, space, back, d_in, 1, space, partner, columns, d_in, rows, -1.0)
        change, partner = partner, change
    for k in range(net.widths[1] * d_in):
        store(space, out + k, load(space, change + k))
