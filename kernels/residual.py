"""The end-to-end matrix R with the gradient noise of a finite data set or of a population.

Noise is matrix-free: no parameter-by-parameter covariance is ever formed. `keep` multiplies the mean,
`amplitude` the noise; each is a number or a lane vector.
"""

import math

from fastsde.kernels.dln import inner_product
from fastsde.kernels.lanes import broadcast, fma, load, meet, scalar, share, store
from fastsde.kernels.layout import SAMPLE_CHUNK, Data, Measurements
from fastsde.kernels.matmul import matmul
from fastsde.kernels.measured_noise import (
    measured_noise,
    measured_population,
    measured_population_trace,
    measured_trace,
)
from fastsde.kernels.noise_law import fill_law
from fastsde.kernels.options import choice, has_class, inlined, kernel
from fastsde.kernels.philox import NOISE
from fastsde.kernels.sample_rows import noise_by_rows
from fastsde.kernels.surface_sums import surface_trace, surface_weighted

__all__ = [
    "finite_noise",
    "forward_chunk",
    "gaussian_weights",
    "noise_trace_finite",
    "noise_trace_population",
    "population_noise",
]


@inlined
def gaussian_weights(m, net, data, keep, amplitude, law, stream):
    """Weight of each sample whose weighted residuals are the mean plus Gaussian noise of covariance C.

    ``w_i = c (keep / n + amplitude (xi_i - mean(xi)) / sqrt(n))``, so ``sum_i w_i R_i`` has mean ``keep c
    Rbar`` and covariance ``c^2 amplitude^2 C`` exactly, C the sample covariance (divisor n). The xi are
    normal, or of the law of components.
    """
    n = len(data.inputs)
    fill_law(m, net.weights, n, law, stream, NOISE)
    total = broadcast(m, 0.0)
    for i in range(n):
        total = total + load(m, net.weights + i)
    meet(m)
    factor = broadcast(m, data.scale / math.sqrt(scalar(m, n))) * amplitude
    shift = broadcast(m, data.scale / scalar(m, n)) * keep - factor * total * (1.0 / scalar(m, n))
    for i in share(m, n):
        store(m, net.weights + i, fma(load(m, net.weights + i), factor, shift))
    meet(m)


def finite_noise(m, net, data):
    """Compute ``R = E diag(w) X^T`` from the weights; E = D X - (labels less the optimum's prediction).

    Of a landscape that is a mean over samples, the weighted sum of their gradients.
    """
    raise NotImplementedError("compiled only")


@choice(finite_noise, inline=True)
def _finite_noise(m, net, data):
    if has_class(data, Measurements):
        return measured_noise
    return _network_noise if has_class(data, Data) else surface_weighted


def _network_noise(m, net, data):
    d_in, d_out, n = net.widths[0], net.widths[-1], len(data.inputs)
    if noise_by_rows(m, net, data):
        return
    matmul(m, net.deviation, d_in, 1, data.inputs, 0, 1, d_in, m, net.error, d_out, n, d_in, None)
    for i in range(d_out):
        for k in share(m, n):
            at = net.error + i * n + k
            store(m, at, (load(m, at) - data.noise[k, i]) * load(m, net.weights + k))
    meet(m)
    matmul(m, net.error, n, 1, data.inputs, 0, d_in, 1, m, net.residual, d_out, d_in, n, None)


def population_noise(m, net, data, keep, amplitude, law, stream):
    """Compute ``R = c [keep D S + amplitude (D F H F^T + sigma Z F^T)]``, exact for elliptical inputs.

    H = sqrt(t2) G + sqrt(t2 - 1) g0 I with G symmetric, variance 1 off and 2 on the diagonal; Z iid; t2 = E
    tau^2. Of measurements, see `fastsde.kernels.measured_noise`.
    """
    raise NotImplementedError("compiled only")


@choice(population_noise, inline=True, argument="law", field="clock")
def _population_noise(m, net, data, keep, amplitude, law, stream):
    return measured_population if has_class(data, Measurements) else _network_population


def _network_population(m, net, data, keep, amplitude, law, stream):
    d_in, d_out = net.widths[0], net.widths[-1]
    size = d_in * d_out
    pairs = d_in * (d_in + 1) // 2
    fill_law(m, net.draw, pairs + size + 1, law, stream, NOISE)
    noise = broadcast(m, data.scale) * amplitude
    common = broadcast(m, data.scale) * keep
    if data.spread > 1.0:
        common = fma(noise * math.sqrt(data.spread - 1.0), load(m, net.draw + pairs + size), common)
    off = noise * math.sqrt(data.spread)
    on = noise * math.sqrt(2.0 * data.spread)
    for i in share(m, d_in):
        at = net.draw + i * d_in - i * (i - 1) // 2
        store(m, net.mix + i * d_in + i, fma(on, load(m, at), common))
        at += 1
        for j in range(i + 1, d_in):
            value = off * load(m, at)
            store(m, net.mix + i * d_in + j, value)
            store(m, net.mix + j * d_in + i, value)
            at += 1
    meet(m)
    first = net.deviation
    if not data.white:
        first = net.spare
        matmul(m, net.deviation, d_in, 1, data.factor, 0, d_in, 1, m, first, d_out, d_in, d_in, None)
    matmul(m, first, d_in, 1, m, net.mix, d_in, 1, m, net.residual, d_out, d_in, d_in, None)
    label = noise * data.label_sd
    target = net.residual if data.white else net.spare
    for k in share(m, size):
        store(m, target + k, fma(label, load(m, net.draw + pairs + k), load(m, net.residual + k)))
    meet(m)
    if not data.white:
        matmul(
            m,
            net.spare,
            d_in,
            1,
            data.factor_transposed,
            0,
            d_in,
            1,
            m,
            net.residual,
            d_out,
            d_in,
            d_in,
            None,
        )


def noise_trace_finite(m, net, data, gradient_square):
    """Return the trace of the covariance (divisor n) of one sample's gradient, all layers.

    ``(1/n) sum_i sum_l |W_{>l}^T e_i|^2 |W_{<l} x_i|^2 - |grad|^2``, samples taken in chunks; of a landscape
    that is a mean over samples, from their gradients one by one.
    """
    raise NotImplementedError("compiled only")


@choice(noise_trace_finite)
def _noise_trace_finite(m, net, data, gradient_square):
    if has_class(data, Measurements):
        return measured_trace
    if has_class(data, Data):
        return lambda m, net, data, gradient_square: _network_trace(m, net, data, gradient_square)
    return surface_trace


@kernel
def _network_trace(m, net, data, gradient_square):
    n = len(data.inputs)
    layers = len(net.weight)
    total = broadcast(m, 0.0)
    for start in range(0, n, SAMPLE_CHUNK):
        count = min(SAMPLE_CHUNK, n - start)
        forward_chunk(m, net, data, start, count)
        back = net.error
        for l in range(layers - 1, -1, -1):
            total = total + _column_products(
                m, back, net.widths[l + 1], net.activation[l], net.widths[l], count
            )
            if l > 0:
                rows, columns = net.widths[l + 1], net.widths[l]
                following = net.left if back != net.left else net.right
                matmul(
                    m, net.weight[l], 1, columns, m, back, count, 1, m, following, columns, count, rows, None
                )
                back = following
    return total * (data.scale * data.scale / scalar(m, n)) - gradient_square


@kernel
def forward_chunk(m, net, data, start, count):
    """Activations of samples `start` to ``start + count``, and their errors ``W x - y``, into memory."""
    d_in, d_out = net.widths[0], net.widths[-1]
    for i in range(d_in):
        for k in range(count):
            store(m, net.activation[0] + i * count + k, broadcast(m, data.inputs[start + k, i]))
    for l in range(len(net.weight)):
        rows, columns = net.widths[l + 1], net.widths[l]
        below, above = net.activation[l], net.activation[l + 1]
        matmul(m, net.weight[l], columns, 1, m, below, count, 1, m, above, rows, count, columns, None)
    top = net.activation[-1]
    for i in range(d_out):
        for k in range(count):
            store(m, net.error + i * count + k, load(m, top + i * count + k) - data.labels[start + k, i])


@kernel
def _column_products(m, first, first_rows, second, second_rows, count):
    """Return the sum over columns of the products of the squared norms of two matrices' columns."""
    total = broadcast(m, 0.0)
    for k in range(count):
        a, b = broadcast(m, 0.0), broadcast(m, 0.0)
        for i in range(first_rows):
            value = load(m, first + i * count + k)
            a = fma(value, value, a)
        for i in range(second_rows):
            value = load(m, second + i * count + k)
            b = fma(value, value, b)
        total = fma(a, b, total)
    return total


def noise_trace_population(m, net, data, gradient_square):
    """Return the same trace for a population; needs the prefix products and D. No landscape has one: 0.

    ``c^2 sum_l t2 |W_{>l}^T D F|^2 |W_{<l} F|^2 + sigma^2 |W_{>l}|^2 |W_{<l} F|^2`` plus ``(2 t2 - 1)
    |grad|^2``.
    """
    raise NotImplementedError("compiled only")


@choice(noise_trace_population)
def _noise_trace_population(m, net, data, gradient_square):
    if has_class(data, Measurements):
        return measured_population_trace
    if has_class(data, Data):
        return lambda m, net, data, gradient_square: _population_trace(m, net, data, gradient_square)
    return lambda m, net, data, gradient_square: broadcast(m, 0.0)


@kernel
def _population_trace(m, net, data, gradient_square):
    d_in, d_out = net.widths[0], net.widths[-1]
    layers = len(net.weight)
    total = broadcast(m, 0.0)
    matmul(m, net.deviation, d_in, 1, data.factor, 0, d_in, 1, m, net.spare, d_out, d_in, d_in, None)
    outer, suffix = net.spare, -1
    for l in range(layers - 1, -1, -1):
        rows, columns = net.widths[l + 1], net.widths[l]
        back = inner_product(m, outer, outer, rows * d_in)
        labels = inner_product(m, suffix, suffix, rows * d_out) if suffix >= 0 else broadcast(m, float(d_out))
        size = (back * data.spread + labels * (data.label_sd * data.label_sd)) * _prefix_square(
            m, net, data, l
        )
        total = total + size
        if l > 0:
            following = net.left if outer != net.left else net.right
            matmul(m, net.weight[l], 1, columns, m, outer, d_in, 1, m, following, columns, d_in, rows, None)
            outer = following
            above = net.activation[l]
            if suffix < 0:
                for i in range(columns):
                    for j in range(rows):
                        store(m, above + i * d_out + j, load(m, net.weight[l] + j * columns + i))
            else:
                matmul(
                    m, net.weight[l], 1, columns, m, suffix, d_out, 1, m, above, columns, d_out, rows, None
                )
            suffix = above
    return total * (data.scale * data.scale) + gradient_square * (2.0 * data.spread - 1.0)


@kernel
def _prefix_square(m, net, data, l):
    """Return ``|W_{<l} F|_F^2`` for layer `l` (0 for the first); overwrites `mix`."""
    d_in = net.widths[0]
    total = broadcast(m, 0.0)
    if l == 0:
        for i in range(d_in):
            for j in range(d_in):
                total = total + data.factor[i, j] * data.factor[i, j]
        return total
    width = net.widths[l]
    matmul(m, net.prefix[l - 1], d_in, 1, data.factor, 0, d_in, 1, m, net.mix, width, d_in, d_in, None)
    return inner_product(m, net.mix, net.mix, width * d_in)
