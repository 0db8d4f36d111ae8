"""Fill arrays with random numbers, one lane a trajectory: for tests of the laws and for the benchmark."""

import numpy as np
from numba import uint64

from fastsde.kernels.lanes import ramp, store
from fastsde.kernels.normal import fill_normals
from fastsde.kernels.options import kernel
from fastsde.kernels.philox import NOISE, counter_words, philox
from fastsde.kernels.stable import gamma, log_positive_stable, symmetric_stable, tempered_subordinator

__all__ = ["sample_gammas", "sample_normals", "sample_positive_stable", "sample_stable", "sample_tempered"]


@kernel
def sample_normals(out, count, steps, key):
    """Write `count` lane vectors of normals `steps` times over the same place of the flat array `out`."""
    for step in range(steps):
        counter = counter_words(ramp(out, uint64(0)), uint64(step), NOISE)
        fill_normals(out, 0, count, counter, key, 0)


@kernel
def sample_positive_stable(out, count, a, key):
    """Write `count` lane vectors of logarithms of one-sided stable numbers."""
    for step in range(count):
        c1, c2, c3 = counter_words(ramp(out, uint64(0)), uint64(step), NOISE)
        w0, w1, w2, w3 = philox(uint64(0), c1, c2, c3, key[0], key[1])
        store(out, step, log_positive_stable(a, w0, w1, w2, w3))


@kernel
def sample_stable(out, count, alpha, key):
    """Write `count` lane vectors of symmetric stable numbers."""
    for step in range(count):
        c1, c2, c3 = counter_words(ramp(out, uint64(0)), uint64(step), NOISE)
        w0, w1, w2, w3 = philox(uint64(0), c1, c2, c3, key[0], key[1])
        store(out, step, symmetric_stable(alpha, w0, w1, w2, w3))


@kernel
def sample_tempered(out, count, a, log_scale, pieces, rate, key):
    """Write `count` lane vectors of tempered stable increments."""
    for step in range(count):
        counter = counter_words(ramp(out, uint64(0)), uint64(step), NOISE)
        store(out, step, tempered_subordinator(a, log_scale, pieces, rate, counter, key, 0))


@kernel
def sample_gammas(out, count, shape, key):
    """Write `count` lane vectors of gamma numbers."""
    for step in range(count):
        counter = counter_words(ramp(out, uint64(0)), uint64(step), NOISE)
        store(out, step, gamma(shape, 0, counter, key, 0))


ZERO_KEY = (np.uint64(0), np.uint64(0))
