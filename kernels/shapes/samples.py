"""Gradients of single samples."""

import math

from fastsde.kernels.dln import push
from fastsde.kernels.lanes import broadcast, load, scalar, store
from fastsde.kernels.options import kernel
from fastsde.kernels.residual import finite_noise
from fastsde.kernels.vectors import clear

__all__ = ["centred_rows", "sample_gradient"]


@kernel
def sample_gradient(m, net, data, i):
    """Write the gradient of the loss of sample `i` to `gradient`: that of a mean with one weight."""
    clear(m, net.weights, len(data.inputs))
    store(m, net.weights + i, broadcast(m, data.scale))
    finite_noise(m, net, data)
    push(m, net, net.gradient, None)


@kernel
def centred_rows(m, net, data, mean, rows):
    """Write ``(g_i - g) / sqrt(n)`` of each sample to `rows`; `mean` has the gradient g of the loss."""
    n, p = len(data.inputs), net.parameters
    factor = broadcast(m, 1.0 / math.sqrt(scalar(m, n)))
    for i in range(n):
        sample_gradient(m, net, data, i)
        for k in range(p):
            value = load(m, net.gradient[0] + k) - load(m, mean + k)
            store(m, rows + i * p + k, value * factor)
