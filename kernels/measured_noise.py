"""The gradient noise of measurements of the end-to-end matrix, of finite data and of populations.

A sample's end-to-end gradient is ``R_i = c (<A_i, D> - e_i) A_i``, e_i its label noise about the optimum. Two
populations have an exact noise that costs no more than the gradient:

- entries drawn with probabilities p: ``Cov = diag(p (D^2 + sigma^2)) - (p D) (p D)^T``, entry by entry, is
  that of ``sqrt(p) (D (xi - sqrt(p) <sqrt(p), xi>) + sigma zeta)``, since sqrt(p) has norm 1;
- standard normal A: ``Cov = (|D|^2 + sigma^2) I + D D^T`` is that of ``sqrt(|D|^2 + sigma^2) xi + D xi_0``.
"""

import math

from fastsde.kernels.dln import full_residual, inner_product, push
from fastsde.kernels.lanes import broadcast, fma, load, meet, scalar, share, store
from fastsde.kernels.matmul import matmul
from fastsde.kernels.measure import measure, spread
from fastsde.kernels.noise_law import fill_law
from fastsde.kernels.options import inlined, kernel
from fastsde.kernels.philox import LABEL, NOISE

__all__ = [
    "measured_noise",
    "measured_population",
    "measured_population_trace",
    "measured_trace",
]


def measured_noise(m, net, data):
    """Compute ``R = sum_i w_i (<A_i, D> - e_i) A_i`` from the weights."""
    measure(m, net, data, m, net.deviation, net.error)
    for i in share(m, len(data.inputs)):
        value = load(m, net.error + i) - data.noise[i]
        store(m, net.error + i, value * load(m, net.weights + i))
    meet(m)
    spread(m, net, data, net.error, m, net.residual)


def measured_population(m, net, data, keep, amplitude, law, stream):
    """Compute R with the noise of a population, see this module."""
    noise = broadcast(m, data.scale) * amplitude
    common = broadcast(m, data.scale) * keep
    if len(data.entries) > 0:
        _noise_of_entries(m, net, data, common, noise, law, stream)
    else:
        _noise_of_normal(m, net, data, common, noise, law, stream)


@inlined
def _noise_of_entries(m, net, data, common, noise, law, stream):
    size = net.widths[0] * net.widths[-1]
    fill_law(m, net.draw, size, law, stream, NOISE)
    total = broadcast(m, 0.0)
    for k in range(size):
        total = fma(load(m, net.draw + k), math.sqrt(data.density[k]), total)
    for k in share(m, size):
        root = math.sqrt(data.density[k])
        change = (load(m, net.draw + k) - total * root) * noise
        off = load(m, net.deviation + k)
        store(m, net.residual + k, fma(change, root, common * data.density[k]) * off)
    meet(m)
    if data.label_sd > 0.0:
        fill_law(m, net.draw, size, law, stream, LABEL)
        for k in share(m, size):
            label = noise * (data.label_sd * math.sqrt(data.density[k]))
            store(m, net.residual + k, fma(label, load(m, net.draw + k), load(m, net.residual + k)))
        meet(m)


@inlined
def _noise_of_normal(m, net, data, common, noise, law, stream):
    size = net.widths[0] * net.widths[-1]
    fill_law(m, net.draw, size + 1, law, stream, NOISE)
    square = inner_product(m, net.deviation, net.deviation, size)
    across = math.sqrt(square + data.label_sd * data.label_sd) * noise
    along = fma(noise, load(m, net.draw + size), common)
    for k in share(m, size):
        value = along * load(m, net.deviation + k)
        store(m, net.residual + k, fma(across, load(m, net.draw + k), value))
    meet(m)


def measured_trace(m, net, data, gradient_square):
    """Return ``c^2/n sum_i (<A_i, D> - e_i)^2 |push(A_i)|^2 - |grad|^2``; R is what it was before."""
    n, size = len(data.inputs), net.widths[0] * net.widths[-1]
    measure(m, net, data, m, net.deviation, net.error)
    total = broadcast(m, 0.0)
    if len(data.entries) > 0:
        _gains(m, net, net.spare)
        for i in range(n):
            value = load(m, net.error + i) - data.noise[i]
            total = fma(value * value, load(m, net.spare + data.entries[i]), total)
    else:
        for i in range(n):
            for k in range(size):
                store(m, net.residual + k, broadcast(m, data.inputs[i, k]))
            push(m, net, net.gradient, None)
            square = inner_product(m, net.gradient[0], net.gradient[0], net.parameters)
            value = load(m, net.error + i) - data.noise[i]
            total = fma(value * value, square, total)
        full_residual(m, net, data)
    return total * (data.scale * data.scale / scalar(m, n)) - gradient_square


def measured_population_trace(m, net, data, gradient_square):
    """Return the same of a population: of entries ``c^2 <p (D^2 + sigma^2), g> - |grad|^2``, g the gains.

    Of normal A it is ``c^2 (|D|^2 + sigma^2) sum(g) + |grad|^2``.
    """
    size = net.widths[0] * net.widths[-1]
    label = data.label_sd * data.label_sd
    _gains(m, net, net.spare)
    total = broadcast(m, 0.0)
    if len(data.entries) > 0:
        for k in range(size):
            off = load(m, net.deviation + k)
            total = fma((off * off + label) * data.density[k], load(m, net.spare + k), total)
        return total * (data.scale * data.scale) - gradient_square
    for k in range(size):
        total = total + load(m, net.spare + k)
    square = inner_product(m, net.deviation, net.deviation, size) + label
    return total * square * (data.scale * data.scale) + gradient_square


@kernel
def _gains(m, net, target):
    """Write ``|push(E)|^2`` of each matrix E of one entry: ``sum_l |W_{>l}^T e_i|^2 |W_{<l} e_j|^2``."""
    d_in, d_out = net.widths[0], net.widths[-1]
    for k in range(d_in * d_out):
        store(m, target + k, broadcast(m, 0.0))
    suffix = -1
    for l in range(len(net.weight) - 1, -1, -1):
        rows, columns = net.widths[l + 1], net.widths[l]
        for i in range(d_out):
            store(m, net.draw + i, _column_square(m, suffix, rows, d_out, i))
        for j in range(d_in):
            below = _column_square(m, net.prefix[l - 1] if l > 0 else -1, columns, d_in, j)
            for i in range(d_out):
                at = target + i * d_in + j
                store(m, at, fma(load(m, net.draw + i), below, load(m, at)))
        if l > 0:
            suffix = _lower(m, net, suffix, l)


@inlined
def _column_square(m, place, rows, columns, j):
    """Return the squared norm of column `j` of the matrix at a place; of the identity at place -1."""
    if place < 0:
        return broadcast(m, 1.0)
    total = broadcast(m, 0.0)
    for i in range(rows):
        value = load(m, place + i * columns + j)
        total = fma(value, value, total)
    return total


@inlined
def _lower(m, net, suffix, l):
    """Write ``W_{>=l}^T`` by ``W_{>l}^T`` at place `suffix` (-1 for the identity); returns its place."""
    d_out, rows, columns = net.widths[-1], net.widths[l + 1], net.widths[l]
    above = net.activation[l]
    if suffix >= 0:
        matmul(m, net.weight[l], 1, columns, m, suffix, d_out, 1, m, above, columns, d_out, rows, None)
    else:
        for i in range(columns):
            for j in range(rows):
                store(m, above + i * d_out + j, load(m, net.weight[l] + j * columns + i))
    return above
