"""Noise of the covariance of SGD's gradient, and of its diagonal."""

import math

from fastsde.kernels.dln import inner_product, push
from fastsde.kernels.lanes import broadcast, fma, load, scalar, store
from fastsde.kernels.residual import finite_noise, noise_trace_finite
from fastsde.kernels.shape import gradient_place, noise_place, shape_noise_of, work_place
from fastsde.kernels.shapes.samples import sample_gradient
from fastsde.kernels.vectors import clear, copy


@shape_noise_of("gradient")
def gradient_noise(m, net, data, shape):
    """Return the trace of ``B B^T = strength C``, C the covariance of the samples' gradients (divisor n).

    The random numbers are weights of the samples, less their mean.
    """
    n, p, xi = len(data.inputs), net.parameters, noise_place(net)
    total = broadcast(m, 0.0)
    for i in range(n):
        total = total + load(m, xi + i)
    size = broadcast(m, data.scale * math.sqrt(shape.strength / scalar(m, n)))
    mean = total * (1.0 / scalar(m, n))
    for i in range(n):
        store(m, net.weights + i, (load(m, xi + i) - mean) * size)
    finite_noise(m, net, data)
    push(m, net, net.gradient, None)
    copy(m, net.gradient[0], xi, broadcast(m, 1.0), p)
    square = inner_product(m, gradient_place(net), gradient_place(net), p)
    return noise_trace_finite(m, net, data, square) * shape.strength


@shape_noise_of("gradient-diagonal")
def diagonal_noise(m, net, data, shape):
    """Return the trace of ``B B^T = strength diag(C)``."""
    n, p, work = len(data.inputs), net.parameters, work_place(net, shape)
    clear(m, work, p)
    for i in range(n):
        sample_gradient(m, net, data, i)
        for k in range(p):
            off = load(m, net.gradient[0] + k) - load(m, gradient_place(net) + k)
            store(m, work + k, fma(off, off, load(m, work + k)))
    total = broadcast(m, 0.0)
    for k in range(p):
        variance = load(m, work + k) * (shape.strength / scalar(m, n))
        total = total + variance
        store(m, noise_place(net) + k, load(m, noise_place(net) + k) * math.sqrt(variance))
    return total
