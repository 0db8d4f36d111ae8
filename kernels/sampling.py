"""Fill arrays with random numbers, one lane per trajectory: for tests of the laws and for the benchmark."""

import numpy as np
from numba import uint64

from fastsde.kernels.lanes import ramp, store
from fastsde.kernels.normal import fill_normals
from fastsde.kernels.options import inlined, kernel
from fastsde.kernels.philox import NOISE, Stream, counter_words, draw_words
from fastsde.kernels.stable import gamma, log_positive_stable, symmetric_stable, tempered_subordinator

__all__ = ["sample_gammas", "sample_normals", "sample_positive_stable", "sample_stable", "sample_tempered"]


@inlined
def _stream(out, step, key):
    """Return the random numbers of a step of the first trajectories."""
    return Stream(counter_words(ramp(out, uint64(0)), uint64(step), NOISE), key)


@kernel
def sample_normals(out, count, steps, key):
    """Write `count` lane vectors of normals `steps` times over the same place of the flat array `out`."""
    for step in range(steps):
        fill_normals(out, 0, count, _stream(out, step, key), 0)


@kernel
def sample_positive_stable(out, count, a, key):
    """Write `count` lane vectors of logarithms of one-sided stable numbers."""
    for step in range(count):
        w0, w1, w2, w3 = draw_words(_stream(out, step, key), 0, uint64(0))
        store(out, step, log_positive_stable(a, w0, w1, w2, w3))


@kernel
def sample_stable(out, count, alpha, key):
    """Write `count` lane vectors of symmetric stable numbers."""
    for step in range(count):
        w0, w1, w2, w3 = draw_words(_stream(out, step, key), 0, uint64(0))
        store(out, step, symmetric_stable(alpha, w0, w1, w2, w3))


@kernel
def sample_tempered(out, count, a, log_scale, pieces, rate, key):
    """Write `count` lane vectors of tempered stable increments."""
    for step in range(count):
        store(out, step, tempered_subordinator(a, log_scale, pieces, rate, _stream(out, step, key), 0))


@kernel
def sample_gammas(out, count, shape, key):
    """Write `count` lane vectors of gamma numbers."""
    for step in range(count):
        store(out, step, gamma(shape, 0, _stream(out, step, key), 0))


ZERO_KEY = (np.uint64(0), np.uint64(0))
