"""A user's loss of one sample, ``loss(theta, sample, gradient)``, called for each trajectory.

On CPUs the parameters of one lane after the other are copied into a row of numbers, and so is the gradient
back: once for all samples, so that this costs less than the calls.
"""

from fastsde.kernels.lanes import broadcast, fma, lane_width, load, scalar, store
from fastsde.kernels.options import inlined
from fastsde.kernels.own_function import call_sample, own_loss
from fastsde.kernels.surface import sample_surface
from fastsde.kernels.surface_sums import Sums


def _weighted(m, net, data, target):
    """Write the sum of the samples' gradients by their weights to `target`; return that of their losses."""
    width, columns = lane_width(m), data.inputs.shape[1]
    for v in range(width):
        _enter(m, net, v, target)
        total = m[0] * 0
        for i in range(len(data.inputs)):
            weight = m[(net.weights + i) * width + v]
            if weight != 0.0:
                loss = _call(m, net, data, data.inputs, i * columns)
                total += weight * loss
                _add(m, net, v, target, weight)
        m[net.draw * width + v] = total
    return load(m, net.draw)


def _trace(m, net, data, target, gradient_square):
    """Return the trace of the covariance of one sample's gradient; overwrites `target`."""
    width, n, columns = lane_width(m), len(data.inputs), data.inputs.shape[1]
    for v in range(width):
        _enter(m, net, v, target)
        total = m[0] * 0
        for i in range(n):
            _call(m, net, data, data.inputs, i * columns)
            for k in range(net.parameters):
                total += m[net.right * width + k] * m[net.right * width + k]
        m[net.draw * width + v] = total
    return load(m, net.draw) * (data.scale * data.scale / scalar(m, n)) - gradient_square


def _members(m, net, data, members, weight, target):
    """Add `weight` times the gradients of the members of a batch to `target`; return the sum of losses."""
    width, columns, labels = lane_width(m), data.inputs.shape[1], data.labels.shape[1]
    row = net.row * width
    store(m, net.draw, weight)
    for v in range(width):
        _enter(m, net, v, -1)
        part, total = m[net.draw * width + v], m[0] * 0
        for k in range(members.count):
            i = members.indices[(members.first + k) * width + v]
            if members.label_sd > 0.0:
                for j in range(columns):
                    m[row + j] = data.inputs[i, j]
                for j in range(labels):
                    noise = m[(net.label_noise + k * labels + j) * width + v]
                    m[row + columns - labels + j] += noise * members.label_sd
                total += _call(m, net, data, m, row)
            else:
                total += _call(m, net, data, data.inputs, i * columns)
            _add(m, net, v, target, part)
        m[net.draw * width + v] = total
    return load(m, net.draw)


@inlined
def _enter(m, net, v, target):
    """Copy the parameters of lane `v` to `left`; let its gradient at `target` be 0, if that is a place."""
    width = lane_width(m)
    for k in range(net.parameters):
        m[net.left * width + k] = m[k * width + v]
        if target >= 0:
            m[(target + k) * width + v] = 0.0


@inlined
def _call(m, net, data, rows, row):
    """Return the loss of a sample at `left`, and write its gradient to `right`."""
    width, parameters = lane_width(m), net.parameters
    out = net.right * width
    for k in range(parameters):
        m[out + k] = 0.0
    return call_sample(data.address, m, net.left * width, rows, row, out, parameters, data.inputs.shape[1])


@inlined
def _add(m, net, v, target, weight):
    """Add `weight` times the gradient at `right` to that of lane `v` at `target`."""
    width = lane_width(m)
    for k in range(net.parameters):
        m[(target + k) * width + v] += weight * m[net.right * width + k]


@sample_surface("samples", Sums(_weighted, _trace, _members))
def samples(m, net, data, i, weight, target):
    """Do so for one sample, where a trajectory has a thread of its own."""
    gradient = m[net.right : net.right + net.parameters]
    for k in range(net.parameters):
        store(m, net.right + k, broadcast(m, 0.0))
    loss = broadcast(m, own_loss(data, m[0 : net.parameters], data.inputs[i], gradient))
    for k in range(net.parameters):
        store(m, target + k, fma(weight, load(m, net.right + k), load(m, target + k)))
    return loss
