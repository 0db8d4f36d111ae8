"""Small compiled kernels that show what the lane functions do, one loop each."""

from typing import Any, NamedTuple

from numba import uint64

from fastsde.kernels import elementary, minibatch
from fastsde.kernels.box_muller import normals32, normals64
from fastsde.kernels.dln import deviate, full_residual, inner_product, product, push, scaled_loss
from fastsde.kernels.gather import gather_four
from fastsde.kernels.lanes import load, ramp, store
from fastsde.kernels.moment import Moment
from fastsde.kernels.noise_law import stretch
from fastsde.kernels.normal import add_normals
from fastsde.kernels.options import kernel
from fastsde.kernels.philox import Stream, counter_words, philox
from fastsde.kernels.residual import (
    finite_noise,
    gaussian_weights,
    noise_trace_finite,
    noise_trace_population,
    population_noise,
)
from fastsde.kernels.sample_rows import noise_by_rows
from fastsde.kernels.stable import gamma, log_positive_stable, symmetric_stable


@kernel
def philox_words(out, draws, trajectory, step, purpose, key):
    c1, c2, c3 = counter_words(ramp(out, uint64(trajectory)), uint64(step), purpose)
    for i in range(draws):
        w0, w1, w2, w3 = philox(uint64(i), c1, c2, c3, key[0], key[1])
        store(out, 4 * i, w0)
        store(out, 4 * i + 1, w1)
        store(out, 4 * i + 2, w2)
        store(out, 4 * i + 3, w3)


@kernel
def normals_added(out, count, scale, trajectory, purpose, key):
    stream = Stream(counter_words(ramp(out, uint64(trajectory)), uint64(0), 0), key)
    add_normals(out, 0, count, scale, stream, purpose)


@kernel
def logs32(x, out, count):
    for i in range(count):
        store(out, i, elementary.log32(load(x, i)))


@kernel
def logs64(x, out, count):
    for i in range(count):
        store(out, i, elementary.log64(load(x, i)))


@kernel
def exps64(x, out, count):
    for i in range(count):
        store(out, i, elementary.exp64(load(x, i)))


@kernel
def sines_pi64(x, out, count):
    for i in range(count):
        store(out, i, elementary.sin_pi64(load(x, i)))


@kernel
def cosines_sines32(x, out, count):
    for i in range(count):
        c, s = elementary.cos_sin32(load(x, i))
        store(out, i, c)
        store(out, count + i, s)


@kernel
def cosines_sines64(x, out, count):
    for i in range(count):
        c, s = elementary.cos_sin64(load(x, i))
        store(out, i, c)
        store(out, count + i, s)


@kernel
def pairs32(words, out, count):
    for i in range(count):
        a, b = normals32(load(words, 4 * i), load(words, 4 * i + 1))
        store(out, 2 * i, a)
        store(out, 2 * i + 1, b)


@kernel
def pairs64(words, out, count):
    for i in range(count):
        w0, w1, w2, w3 = (
            load(words, 4 * i),
            load(words, 4 * i + 1),
            load(words, 4 * i + 2),
            load(words, 4 * i + 3),
        )
        a, b = normals64(w0, w1, w2, w3)
        store(out, 2 * i, a)
        store(out, 2 * i + 1, b)


@kernel
def stables(words, out, count, alpha, a):
    """A symmetric stable number, and the logarithm of a positive one, of the same words."""
    for i in range(count):
        w0, w1, w2, w3 = (
            load(words, 4 * i),
            load(words, 4 * i + 1),
            load(words, 4 * i + 2),
            load(words, 4 * i + 3),
        )
        store(out, 2 * i, symmetric_stable(alpha, w0, w1, w2, w3))
        store(out, 2 * i + 1, log_positive_stable(a, w0, w1, w2, w3))


@kernel
def chosen(m, indices, out, sizes, sampling, batch, n, start, steps, trajectory, key):
    """Rows of sample indices of each step's batch, and the batch's size; `out` (steps, batch, lanes)."""
    lanes = ramp(m, uint64(trajectory))
    for s in range(steps):
        number = start + s
        stream = Stream(counter_words(lanes, uint64(number), 0), key)
        moment = Moment(number, s == 0, indices, lanes, stream)
        first, size = minibatch.choose(sampling, batch, n, m, moment)
        sizes[s] = size
        for k in range(size):
            for v in range(out.shape[2]):
                out[s, k, v] = indices[(first + k) * out.shape[2] + v]


@kernel
def gathered(m, table, indices, place, column):
    a, b, c, d = gather_four(m, table, indices, place, column)
    store(m, 0, a)
    store(m, 1, b)
    store(m, 2, c)
    store(m, 3, d)


@kernel
def gammas(out, count, shape, trajectory, step, purpose, key):
    """Gamma numbers of index ``0 .. count - 1`` of one step."""
    stream = Stream(counter_words(ramp(out, uint64(trajectory)), uint64(step), 0), key)
    for k in range(count):
        store(out, k, gamma(shape, k, stream, purpose))


@kernel
def stretched(out, law, key):
    stream = Stream(counter_words(ramp(out, uint64(0)), uint64(0), 0), key)
    store(out, 0, stretch(out, law, stream))


@kernel
def measured(m, out, net, data, key):
    """Write R, R with noise of amplitude 1/2, R after the trace, the loss and the trace of one block."""
    stream = Stream(counter_words(ramp(out, uint64(0)), uint64(0), 0), key)
    size = net.widths[0] * net.widths[-1]
    product(m, net)
    deviate(m, net, data)
    full_residual(m, net, data)
    for k in range(size):
        store(out, k, load(m, net.residual + k))
    push(m, net, net.gradient, None)
    square = inner_product(m, net.gradient[0], net.gradient[0], net.parameters)
    store(out, 3 * size, scaled_loss(m, net, data))
    finite = len(data.inputs) > 0
    if finite:
        store(out, 3 * size + 1, noise_trace_finite(m, net, data, square))
    else:
        store(out, 3 * size + 1, noise_trace_population(m, net, data, square))
    for k in range(size):
        store(out, 2 * size + k, load(m, net.residual + k))
    if finite:
        gaussian_weights(m, net, data, 1.0, 0.5, None, stream)
        finite_noise(m, net, data)
    else:
        population_noise(m, net, data, 1.0, 0.5, None, stream)
    for k in range(size):
        store(out, size + k, load(m, net.residual + k))


class Samples(NamedTuple):
    """What the noise of finite data needs to know of them."""

    inputs: Any
    noise: Any


@kernel
def by_rows(m, net, samples):
    return noise_by_rows(m, net, samples)
