"""Fresh samples of a population: inputs ``x = F g`` of a law, labels by the teacher plus noise of a law."""

import math
from typing import Any, NamedTuple

from numba import uint64

from fastsde.kernels.lanes import like, load, meet, share, store
from fastsde.kernels.matmul import matmul
from fastsde.kernels.normal import fill_normals
from fastsde.kernels.options import kernel
from fastsde.kernels.philox import LABEL, SAMPLE, draw_words
from fastsde.kernels.precision import Float64
from fastsde.kernels.stable import gamma, symmetric_stable

__all__ = ["GAUSSIAN", "STABLE", "STUDENT", "Population", "draw_fresh"]

GAUSSIAN, STUDENT, STABLE = range(3)


class Population(NamedTuple):
    """Laws of inputs and label noise: which of the three, its tail (nu or alpha), and scales."""

    input_law: int
    input_tail: Float64
    input_scale: float  # multiplies t inputs: sqrt((nu - 2) / nu) when nu > 2, else 1
    label_law: int
    label_tail: Float64
    label_scale: float
    factor: Any  # (d_in, d_in), the identity when white
    teacher: Any  # (d_out, d_in)


@kernel
def draw_fresh(m, net, population, batch, stream):
    """Write fresh inputs into ``h_0`` (d_in x batch) and their labels into `error` (d_out x batch)."""
    d_in, d_out = net.widths[0], net.widths[-1]
    fill(m, net.draw, d_in, batch, True, population.input_law, population.input_tail, stream, SAMPLE)
    if population.input_law == STUDENT:
        for k in share(m, d_in * batch):
            store(m, net.draw + k, load(m, net.draw + k) * population.input_scale)
        meet(m)
    x, y = net.activation[0], net.error
    matmul(population.factor, 0, d_in, 1, m, net.draw, batch, 1, m, x, d_in, batch, d_in, None)
    fill(m, y, d_out, batch, False, population.label_law, population.label_tail, stream, LABEL)
    for k in share(m, d_out * batch):
        store(m, y + k, load(m, y + k) * population.label_scale)
    meet(m)
    matmul(population.teacher, 0, d_in, 1, m, x, batch, 1, m, y, d_out, batch, d_in, -1.0)


@kernel
def fill(m, start, rows, batch, shared, law, tail, stream, purpose):
    """Write `rows` x `batch` numbers of a law; Student-t columns share one chi-square where `shared`."""
    if law == STABLE:
        for k in share(m, rows * batch):
            w0, w1, w2, w3 = draw_words(stream, purpose, uint64(k))
            store(m, start + k, like(m, symmetric_stable(tail, w0, w1, w2, w3)))
        meet(m)
        return
    fill_normals(m, start, rows * batch, stream, purpose)
    if law == STUDENT:
        for k in share(m, batch if shared else rows * batch):
            size = 1.0 / gamma(0.5 * tail, k, stream, purpose + 1) * (0.5 * tail)
            factor = like(m, math.sqrt(size))
            for i in range(rows if shared else 1):
                at = start + i * batch + k
                store(m, at, load(m, at) * factor)
        meet(m)
