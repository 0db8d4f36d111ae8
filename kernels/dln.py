"""Deep linear networks, one block of trajectories: product, residual, back-propagation, loss, norms.

Layer l's gradient is ``W_{>l}^T R W_{<l}^T`` with one end-to-end matrix R for all layers, so gradient noise
is added to R and carried through the same back-propagation. Argument `m` is the block's memory, `net` says
what is where.
"""

from fastsde.kernels.lanes import broadcast, fma, load, meet, scalar, share, store
from fastsde.kernels.layout import Data, Measurements
from fastsde.kernels.matmul import matmul
from fastsde.kernels.measure import curve, measure
from fastsde.kernels.options import choice, has_class, inlined, kernel
from fastsde.kernels.primitive import primitive
from fastsde.kernels.surface_sums import surface_energy, surface_residual

__all__ = [
    "deviate",
    "deviation_square",
    "full_residual",
    "inner_product",
    "interface_imbalance",
    "product",
    "push",
    "radius_square",
    "scaled_loss",
]


@inlined
def product(m, net):
    """Compute the prefix products ``P_l = W_l ... W_1``; the last one is the end-to-end matrix."""
    d_in = net.widths[0]
    for l in range(1, len(net.weight)):
        rows, inside = net.widths[l + 1], net.widths[l]
        matmul(
            m,
            net.weight[l],
            inside,
            1,
            m,
            net.prefix[l - 1],
            d_in,
            1,
            m,
            net.prefix[l],
            rows,
            d_in,
            inside,
            None,
        )


@inlined
def deviate(m, net, data):
    """Compute ``D = W - optimum`` from the end-to-end matrix."""
    d_in, d_out = net.widths[0], net.widths[-1]
    w = net.prefix[-1]
    for i in share(m, d_out):
        for j in range(d_in):
            k = i * d_in + j
            store(m, net.deviation + k, load(m, w + k) - data.optimum[i, j])
    meet(m)


def full_residual(m, net, data):
    """Compute ``R = c D S``, the end-to-end gradient of the loss; of a landscape, its gradient."""
    raise NotImplementedError("compiled only")


@choice(full_residual, inline=True)
def _full_residual(m, net, data):
    if has_class(data, Measurements):
        return lambda m, net, data: curve(m, net, data, m, net.deviation, m, net.residual)
    return _network_residual if has_class(data, Data) else surface_residual


def _network_residual(m, net, data):
    d_in, d_out = net.widths[0], net.widths[-1]
    if data.white:
        for k in share(m, d_in * d_out):
            store(m, net.residual + k, load(m, net.deviation + k) * data.scale)
    else:
        matmul(
            m, net.deviation, d_in, 1, data.covariance, 0, d_in, 1, m, net.residual, d_out, d_in, d_in, None
        )
        for k in share(m, d_in * d_out):
            store(m, net.residual + k, load(m, net.residual + k) * data.scale)
    meet(m)


@inlined
def push(m, net, target, scale):
    """Carry R through all layers: ``target_l = W_{>l}^T R W_{<l}^T``, or ``target_l -= scale`` times it.

    With `scale` a number or a lane vector and `target` the weights themselves this is one step of descent: a
    layer is changed only after it has been used. The contents of R are kept, those of `left` and `right` are
    not.
    """
    d_in = net.widths[0]
    layers = len(net.weight)
    back = net.residual
    for l in range(layers - 1, -1, -1):
        rows, columns = net.widths[l + 1], net.widths[l]
        if l > 0:
            following = net.left if back != net.left else net.right
            matmul(m, net.weight[l], 1, columns, m, back, d_in, 1, m, following, columns, d_in, rows, None)
            before = net.prefix[l - 1]
            matmul(m, back, d_in, 1, m, before, 1, d_in, m, target[l], rows, columns, d_in, scale)
            back = following
        elif scale is None:
            for k in share(m, rows * columns):
                store(m, target[0] + k, load(m, back + k))
        else:
            factor = broadcast(m, 0.0) - scale
            for k in share(m, rows * columns):
                store(m, target[0] + k, fma(factor, load(m, back + k), load(m, target[0] + k)))
    meet(m)


@primitive
@inlined
def inner_product(m, first, second, count):
    """Return the sum of products of `count` lane vectors at two places."""
    even, odd = broadcast(m, 0.0), broadcast(m, 0.0)
    for k in range(0, count - 1, 2):
        even = fma(load(m, first + k), load(m, second + k), even)
        odd = fma(load(m, first + k + 1), load(m, second + k + 1), odd)
    if count % 2:
        even = fma(load(m, first + count - 1), load(m, second + count - 1), even)
    return even + odd


@inlined
def deviation_square(m, net):
    """Return ``|D|_F^2``, finite while the end-to-end matrix is."""
    return inner_product(m, net.deviation, net.deviation, net.widths[0] * net.widths[-1])


def scaled_loss(m, net, data):
    """Return the loss less its least value, ``c/2 tr(D S D^T)``, from D alone; overwrites `spare`.

    Of a landscape, its energy.
    """
    raise NotImplementedError("compiled only")


@choice(scaled_loss, inline=True)
def _scaled_loss(m, net, data):
    if has_class(data, Measurements):
        return _measured_loss
    return _network_loss if has_class(data, Data) else surface_energy


def _network_loss(m, net, data):
    d_in, d_out = net.widths[0], net.widths[-1]
    if data.white:
        return inner_product(m, net.deviation, net.deviation, d_in * d_out) * (0.5 * data.scale)
    matmul(m, net.deviation, d_in, 1, data.factor, 0, d_in, 1, m, net.spare, d_out, d_in, d_in, None)
    return inner_product(m, net.spare, net.spare, d_in * d_out) * (0.5 * data.scale)


def _measured_loss(m, net, data):
    n = len(data.inputs)
    if len(data.density) == 0:
        measure(m, net, data, m, net.deviation, net.error)
        return inner_product(m, net.error, net.error, n) * (0.5 * data.scale / scalar(m, n))
    total = broadcast(m, 0.0)
    for k in range(net.widths[0] * net.widths[-1]):
        off = load(m, net.deviation + k)
        total = fma(off * data.density[k], off, total)
    return total * (0.5 * data.scale)


def radius_square(m, net, data):
    """Return the squared distance of the state from the origin; of a landscape, from its centre."""
    raise NotImplementedError("compiled only")


@choice(radius_square, inline=True)
def _radius_square(m, net, data):
    if has_class(data, Data) or has_class(data, Measurements):
        return lambda m, net, data: inner_product(m, 0, 0, net.parameters)
    return lambda m, net, data: deviation_square(m, net)


@kernel
def interface_imbalance(m, net, l):
    """Return ``|W_{l+1}^T W_{l+1} - W_l W_l^T|_F^2`` of the interface above layer `l` (0 for the first)."""
    width, above, below = net.widths[l + 1], net.widths[l + 2], net.widths[l]
    upper, lower = net.weight[l + 1], net.weight[l]
    matmul(m, upper, 1, width, m, upper, width, 1, m, net.mix, width, width, above, None)
    matmul(m, lower, below, 1, m, lower, 1, below, m, net.mix, width, width, below, 1.0)
    return inner_product(m, net.mix, net.mix, width * width)
