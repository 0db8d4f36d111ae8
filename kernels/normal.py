"""Uniform and normal numbers from Philox words (Box and Muller 1958).

``float32``: a normal takes one word; the radius sees 31 bits converted with full relative precision, so
tails reach 6.6 standard deviations. ``float64``: a normal takes two words; 52 bits and a half, tails to 8.5.
"""

import math

import numpy as np
from numba import uint64

from fastsde.kernels.elementary import cos_sin32, cos_sin64, log32, log64
from fastsde.kernels.lanes import as_float, fma, load, low_word, meet, root, share, store, to_float
from fastsde.kernels.options import choice, in_double, inlined, is_single
from fastsde.kernels.philox import HALF, MASK, draw_words
from fastsde.kernels.primitive import primitive

__all__ = ["add_normals", "fill_normals", "normals32", "normals64", "uniform32", "uniform64"]

WORD = np.int32(0x7FFFFFFF)
MANTISSA_SHIFT = np.uint64(12)
ONE_BITS = np.uint64(0x3FF0000000000000)
PI = math.pi


@inlined
def uniform32(word):
    """Uniform ``float32`` in (0, 1] from 31 bits of a word: ``(k + 1/2) / 2**31``, rounded; never 0."""
    return fma(to_float(low_word(word) & WORD), 2.0**-31, 2.0**-32)


@inlined
@in_double
def uniform64(high, low):
    """Uniform ``float64`` in (0, 1) from two words: ``(k + 1/2) / 2**52``, exact; never 0 or 1."""
    bits = ((high << HALF) ^ (low & MASK)) >> MANTISSA_SHIFT
    return as_float(bits ^ ONE_BITS) - (1.0 - 2.0**-53)


@inlined
def normals32(word_0, word_1):
    """Two independent standard normal ``float32`` from two words."""
    radius = root(log32(uniform32(word_0)) * -2.0)
    c, s = cos_sin32(to_float(low_word(word_1)) * (2.0**-32 * PI))
    return radius * c, radius * s


@inlined
@in_double
def normals64(word_0, word_1, word_2, word_3):
    """Two independent standard normal ``float64`` from four words."""
    radius = root(log64(uniform64(word_0, word_1)) * -2.0)
    c, s = cos_sin64((uniform64(word_2, word_3) - 0.5) * PI)
    return radius * c, radius * s


@primitive
@inlined
def put_four(m, at, x0, x1, x2, x3):
    """Write four lane vectors from place `at` on."""
    store(m, at, x0)
    store(m, at + 1, x1)
    store(m, at + 2, x2)
    store(m, at + 3, x3)


@primitive
@inlined
def add_four(m, at, left, x0, x1, x2, x3, scale):
    """Add `scale` times up to four lane vectors, of which `left` are wanted, to those from place `at` on."""
    store(m, at, fma(x0, scale, load(m, at)))
    if left > 1:
        store(m, at + 1, fma(x1, scale, load(m, at + 1)))
    if left > 2:
        store(m, at + 2, fma(x2, scale, load(m, at + 2)))
    if left > 3:
        store(m, at + 3, fma(x3, scale, load(m, at + 3)))


def fill_normals(m, start, count, stream, purpose):
    """Write `count` lane vectors of standard normals from lane vector `start`; up to 3 more are overwritten.

    Draw number ``i`` of the stream makes normals ``4 i .. 4 i + 3`` in ``float32``, ``2 i, 2 i + 1`` in
    ``float64``.
    """
    raise NotImplementedError("compiled only")


@choice(fill_normals)
def _fill_normals(m, start, count, stream, purpose):
    def fill32(m, start, count, stream, purpose):
        for i in share(m, (count + 3) // 4):
            w0, w1, w2, w3 = draw_words(stream, purpose, uint64(i))
            x0, x1 = normals32(w0, w1)
            x2, x3 = normals32(w2, w3)
            put_four(m, start + 4 * i, x0, x1, x2, x3)
        meet(m)

    def fill64(m, start, count, stream, purpose):
        for i in share(m, (count + 1) // 2):
            w0, w1, w2, w3 = draw_words(stream, purpose, uint64(i))
            x0, x1 = normals64(w0, w1, w2, w3)
            store(m, start + 2 * i, x0)
            store(m, start + 2 * i + 1, x1)
        meet(m)

    return fill32 if is_single(m) else fill64


def add_normals(m, start, count, scale, stream, purpose):
    """Add to `count` lane vectors `scale` times the normals that `fill_normals` would write."""
    raise NotImplementedError("compiled only")


@choice(add_normals)
def _add_normals(m, start, count, scale, stream, purpose):
    def add32(m, start, count, scale, stream, purpose):
        for i in share(m, (count + 3) // 4):
            w0, w1, w2, w3 = draw_words(stream, purpose, uint64(i))
            x0, x1 = normals32(w0, w1)
            x2, x3 = normals32(w2, w3)
            add_four(m, start + 4 * i, count - 4 * i, x0, x1, x2, x3, scale)
        meet(m)

    def add64(m, start, count, scale, stream, purpose):
        for i in share(m, (count + 1) // 2):
            w0, w1, w2, w3 = draw_words(stream, purpose, uint64(i))
            x0, x1 = normals64(w0, w1, w2, w3)
            at = start + 2 * i
            store(m, at, fma(x0, scale, load(m, at)))
            if count - 2 * i > 1:
                store(m, at + 1, fma(x1, scale, load(m, at + 1)))
        meet(m)

    return add32 if is_single(m) else add64
