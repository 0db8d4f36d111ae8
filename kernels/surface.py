"""Landscapes: energy and gradient of functions of few variables, one block of trajectories.

A landscape stands for a network of one layer, the point x being its weights (d x 1): its gradient takes the
place of the end-to-end gradient R, and every step, noise and observable that works through R works on it.
Landscapes that are means over samples have mini-batches and gradient noise through the samples' weights, as
networks have.
"""

import math
from typing import Any, NamedTuple

from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from fastsde.kernels.lanes import broadcast, fma, lane_width, load, scalar, select, store
from fastsde.kernels.options import in_double, kernel, never_inlined
from fastsde.kernels.primitive import primitive

__all__ = [
    "KINDS",
    "MEANS",
    "Surface",
    "surface_energy",
    "surface_residual",
    "surface_trace",
    "surface_weighted",
]

KINDS = (
    "quadratic",
    "double-well",
    "monkey-saddle",
    "mueller-brown",
    "user",
    "phase-retrieval",
    "diagonal-network",
    "superposition",
)
QUADRATIC, DOUBLE_WELL, MONKEY, MUELLER, USER, PHASE, DIAGONAL, SUPERPOSITION = range(8)
MEANS = KINDS[PHASE:]
"""Landscapes that are means over samples."""


class Surface(NamedTuple):
    """A landscape, in the place of a learning problem.

    ``table`` (2-d) and ``vector`` (1-d) hold its numbers, `address` a user's compiled function.
    """

    kind: int
    inputs: Any  # (n, k), n = 0 unless the landscape is a mean over samples
    labels: Any  # (n, 1)
    table: Any
    vector: Any
    optimum: Any  # (d, 1): the point about which distances are measured
    scale: float  # of the energy
    floor: float  # 0
    address: int


@never_inlined
def _point(m, net, data, target):
    """Write the gradient to `target` and return the energy; not for means over samples."""
    d = net.parameters
    energy = broadcast(m, 0.0)
    if data.kind == QUADRATIC:
        for i in range(d):
            force = broadcast(m, 0.0)
            for j in range(d):
                force = fma(load(m, j) - data.vector[j], data.table[i, j], force)
            store(m, target + i, force)
            energy = fma(force, (load(m, i) - data.vector[i]) * 0.5, energy)
    elif data.kind == DOUBLE_WELL:
        x = load(m, 0)
        square = x * x
        energy = (square * square * 0.25 - square * 0.5) * data.vector[0]
        store(m, target, (square * x - x) * data.vector[0])
        for i in range(1, d):
            force = load(m, i) * data.vector[i]
            store(m, target + i, force)
            energy = fma(force, load(m, i) * 0.5, energy)
    elif data.kind == MONKEY:
        x, y = load(m, 0), load(m, 1)
        energy = x * (x * x - y * y * 3.0)
        store(m, target, (x * x - y * y) * 3.0)
        store(m, target + 1, x * y * -6.0)
    elif data.kind == MUELLER:
        energy = _mueller(m, net, data, target)
    else:
        energy = _user(m, net, data, target)
    return energy


@kernel
@in_double
def _mueller(m, net, data, target):
    """Sum over the rows (A, a, b, c, x0, y0) of `table` of ``A exp(a u^2 + b u v + c v^2)``."""
    width = lane_width(m)
    for v in range(width):
        x, y = float(m[v]), float(m[width + v])
        total, along, across = 0.0, 0.0, 0.0
        for k in range(data.table.shape[0]):
            a, b, c = data.table[k, 1], data.table[k, 2], data.table[k, 3]
            dx, dy = x - data.table[k, 4], y - data.table[k, 5]
            term = data.table[k, 0] * math.exp(a * dx * dx + b * dx * dy + c * dy * dy)
            total += term
            along += term * (2.0 * a * dx + b * dy)
            across += term * (b * dx + 2.0 * c * dy)
        m[target * width + v] = along
        m[(target + 1) * width + v] = across
        m[net.draw * width + v] = total
    return load(m, net.draw)


@primitive
@kernel
def _user(m, net, data, target):
    """Call the user's function for one trajectory after the other; only in ``float64``."""
    width, d = lane_width(m), net.parameters
    x, out = net.left * width, net.right * width
    for v in range(width):
        for i in range(d):
            m[x + i] = m[i * width + v]
        energy = _call(m, data.address, x, out, d)
        for i in range(d):
            m[(target + i) * width + v] = m[out + i]
        m[net.draw * width + v] = energy
    return load(m, net.draw)


@intrinsic
def _call(typingctx, m, address, x, out, count):
    """Call the C function at `address` on places `x` and `out` of the array; NaN of a ``float32`` array."""

    def codegen(context, builder, sig, args):
        array, address, x, out, count = args
        if sig.args[0].dtype != types.float64:
            return ir.Constant(ir.DoubleType(), float("nan"))
        data = context.make_array(sig.args[0])(context, builder, array).data
        pointer, number = ir.DoubleType().as_pointer(), ir.IntType(64)
        kind = ir.FunctionType(ir.DoubleType(), [pointer, pointer, number])
        function = builder.inttoptr(address, kind.as_pointer())
        return builder.call(function, [builder.gep(data, [x]), builder.gep(data, [out]), count])

    return types.float64(m, types.int64, types.int64, types.int64, types.int64), codegen


@kernel
def _add_sample(m, net, data, i, weight, target):
    """Add `weight` times the gradient of sample `i` to `target`; return its energy."""
    if data.kind == PHASE:
        return _phase(m, net, data, i, weight, target)
    if data.kind == DIAGONAL:
        return _diagonal(m, net, data, i, weight, target)
    return _superposition(m, net, data, i, weight, target)


@kernel
def _phase(m, net, data, i, weight, target):
    """Phase retrieval, ``((a . x)^2 - y)^2 / 4``."""
    dot = broadcast(m, 0.0)
    for j in range(net.parameters):
        dot = fma(load(m, j), data.inputs[i, j], dot)
    miss = dot * dot - data.labels[i, 0]
    factor = weight * miss * dot
    for j in range(net.parameters):
        store(m, target + j, fma(factor, data.inputs[i, j], load(m, target + j)))
    return miss * miss * 0.25


@kernel
def _diagonal(m, net, data, i, weight, target):
    """Diagonal network, ``(a . beta - y)^2 / 4``, ``beta = w_+^2 - w_-^2``; the w_+ stand before the w_-."""
    half = net.parameters // 2
    miss = broadcast(m, 0.0) - data.labels[i, 0]
    for j in range(half):
        up, down = load(m, j), load(m, half + j)
        miss = fma(up * up - down * down, data.inputs[i, j], miss)
    factor = weight * miss
    for j in range(half):
        part = factor * data.inputs[i, j]
        store(m, target + j, fma(part, load(m, j), load(m, target + j)))
        store(m, target + half + j, fma(-part, load(m, half + j), load(m, target + half + j)))
    return miss * miss * 0.25


@kernel
def _superposition(m, net, data, i, weight, target):
    """Superposition, ``1/2 sum_k I_k (x_k - relu((W^T W x)_k + b_k))^2``; W before b, I in `vector`."""
    features = data.inputs.shape[1]
    hidden = net.parameters // features - 1
    code, slope, back = net.left, net.left + hidden, net.left + hidden + features
    bias = hidden * features
    energy = broadcast(m, 0.0)
    for h in range(hidden):
        total = broadcast(m, 0.0)
        for k in range(features):
            total = fma(load(m, h * features + k), data.inputs[i, k], total)
        store(m, code + h, total)
        store(m, back + h, broadcast(m, 0.0))
    for k in range(features):
        value = load(m, bias + k)
        for h in range(hidden):
            value = fma(load(m, h * features + k), load(m, code + h), value)
        on = value > 0.0
        miss = select(on, value, 0.0) - data.inputs[i, k]
        energy = fma(miss * miss, data.vector[k] * 0.5, energy)
        change = select(on, miss * data.vector[k], 0.0)
        store(m, slope + k, change)
        store(m, target + bias + k, fma(weight, change, load(m, target + bias + k)))
        for h in range(hidden):
            store(m, back + h, fma(load(m, h * features + k), change, load(m, back + h)))
    for h in range(hidden):
        for k in range(features):
            at = target + h * features + k
            part = fma(load(m, code + h), load(m, slope + k), load(m, back + h) * data.inputs[i, k])
            store(m, at, fma(weight, part, load(m, at)))
    return energy


@never_inlined
def _weighted(m, net, data, target):
    """Write the sum of the samples' gradients by their weights to `target`; return that of their energies."""
    energy = broadcast(m, 0.0)
    for k in range(net.parameters):
        store(m, target + k, broadcast(m, 0.0))
    for i in range(len(data.inputs)):
        weight = load(m, net.weights + i)
        energy = fma(weight, _add_sample(m, net, data, i, weight, target), energy)
    return energy


@never_inlined
def _full(m, net, data, target):
    """Write the gradient to `target` and return the energy; overwrites the weights."""
    n = len(data.inputs)
    for i in range(n):
        store(m, net.weights + i, broadcast(m, data.scale / scalar(m, n)))
    return _weighted(m, net, data, target)


def surface_residual(m, net, data):
    """Write the gradient in the place of R."""
    if data.kind < PHASE:
        _point(m, net, data, net.residual)
    else:
        _full(m, net, data, net.residual)


def surface_energy(m, net, data):
    """Return the energy; overwrites `spare`."""
    if data.kind < PHASE:
        return _point(m, net, data, net.spare)
    return _full(m, net, data, net.spare)


def surface_weighted(m, net, data):
    """Write the sum of the samples' gradients by their weights in the place of R."""
    _weighted(m, net, data, net.residual)


def surface_trace(m, net, data, gradient_square):
    """Return the trace of the covariance of one sample's gradient; overwrites `spare`."""
    return _trace(m, net, data, gradient_square)


@never_inlined
def _trace(m, net, data, gradient_square):
    n = len(data.inputs)
    total = broadcast(m, 0.0)
    for i in range(n):
        for k in range(net.parameters):
            store(m, net.spare + k, broadcast(m, 0.0))
        _add_sample(m, net, data, i, broadcast(m, 1.0), net.spare)
        for k in range(net.parameters):
            total = fma(load(m, net.spare + k), load(m, net.spare + k), total)
    return total * (data.scale * data.scale / scalar(m, n)) - gradient_square
