"""Variance of one sample's gradient, entry by entry: the diagonal of its covariance, never the rest."""

from fastsde.kernels.dln import full_residual, push
from fastsde.kernels.lanes import broadcast, fma, lane_width, load, meet, scalar, select, share, store
from fastsde.kernels.layout import SAMPLE_CHUNK, Data
from fastsde.kernels.matmul import matmul
from fastsde.kernels.options import choice, has_class, kernel, never_inlined
from fastsde.kernels.residual import forward_chunk
from fastsde.kernels.surface_sums import Members, add_members

__all__ = ["sample_squares", "write_variance"]


@never_inlined
def write_variance(m, net, data, indices, target, part):
    """Write ``part`` times the variance (divisor n) of one sample's gradient to `target`, p lane vectors.

    The prefix products and D are those of the state, and stay. Overwrites `gradient` by the gradient, and the
    first row of `indices` on landscapes.
    """
    sample_squares(m, net, data, indices, target)
    full_residual(m, net, data)
    push(m, net, net.gradient, None)
    for k in share(m, net.parameters):
        slope = load(m, net.gradient[0] + k)
        variance = load(m, target + k) - slope * slope
        store(m, target + k, select(variance < 0.0, 0.0, variance) * part)
    meet(m)


def sample_squares(m, net, data, indices, target):
    """Write the mean over the samples of the squares of each entry of their gradients to `target`."""
    raise NotImplementedError("compiled only")


@choice(sample_squares)
def _sample_squares(m, net, data, indices, target):
    if has_class(data, Data):
        return lambda m, net, data, indices, target: _network_squares(m, net, data, target)
    return lambda m, net, data, indices, target: _squares_one_by_one(m, net, data, indices, target)


@kernel
def _network_squares(m, net, data, target):
    """Do so by layers: the square of ``b h^T`` is ``b^2 (h^2)^T``, a product over the samples of a chunk."""
    n = len(data.inputs)
    part = scalar(m, -1.0) * data.scale * data.scale / scalar(m, n)  # a product is subtracted
    for k in range(net.parameters):
        store(m, target + k, broadcast(m, 0.0))
    for start in range(0, n, SAMPLE_CHUNK):
        count = min(SAMPLE_CHUNK, n - start)
        forward_chunk(m, net, data, start, count)
        back = net.error
        for l in range(len(net.weight) - 1, -1, -1):
            rows, columns, below = net.widths[l + 1], net.widths[l], net.activation[l]
            following = net.left if back != net.left else net.right
            if l > 0:
                matmul(
                    m, net.weight[l], 1, columns, m, back, count, 1, m, following, columns, count, rows, None
                )
            _square(m, back, rows * count)
            _square(m, below, columns * count)
            place = target + net.weight[l]
            matmul(m, back, count, 1, m, below, 1, count, m, place, rows, columns, count, part)
            back = following


@kernel
def _square(m, start, count):
    for k in range(start, start + count):
        value = load(m, k)
        store(m, k, value * value)


@kernel
def _squares_one_by_one(m, net, data, indices, target):
    """Do so of a landscape, by the gradients of its samples, of which all trajectories see the same."""
    n, part = len(data.inputs), 1.0 / scalar(m, len(data.inputs))
    for k in range(net.parameters):
        store(m, target + k, broadcast(m, 0.0))
    for i in range(n):
        for v in range(lane_width(m)):
            indices[v] = i
        for k in range(net.parameters):
            store(m, net.residual + k, broadcast(m, 0.0))
        add_members(m, net, data, Members(indices, 0, 1, 0.0), broadcast(m, data.scale), net.residual)
        for k in range(net.parameters):
            slope = load(m, net.residual + k)
            store(m, target + k, fma(slope * slope, part, load(m, target + k)))
