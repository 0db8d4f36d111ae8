"""Gradients of single samples."""

import math

from fastsde.kernels.dln import push
from fastsde.kernels.lanes import broadcast, load, scalar, store
from fastsde.kernels.layout import Data
from fastsde.kernels.options import choice, has_class, kernel
from fastsde.kernels.residual import finite_noise
from fastsde.kernels.surface import Surface

__all__ = ["centred_rows", "sample_gradient"]


def one_sample(data, i):
    """Return the problem whose only sample is number `i`."""
    raise NotImplementedError("compiled only")


@choice(one_sample, inline=True)
def _one_sample(data, i):
    return _of_network if has_class(data, Data) else _of_surface


def _of_network(data, i):
    rows = data.rows[i : i + 1]
    return Data(data.inputs[i : i + 1], data.labels[i : i + 1], rows, data.noise[i : i + 1], *data[4:])


def _of_surface(data, i):
    return Surface(data.kind, data.inputs[i : i + 1], data.labels[i : i + 1], *data[3:])


@kernel
def sample_gradient(m, net, data, i):
    """Write the gradient of the loss of sample `i` to `gradient`."""
    store(m, net.weights, broadcast(m, data.scale))
    finite_noise(m, net, one_sample(data, i))
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
