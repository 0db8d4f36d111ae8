"""Uniform and normal numbers from Philox words (Box and Muller 1958).

``float32``: a normal takes one word; the radius sees 31 bits converted with full relative precision, so
tails reach 6.6 standard deviations. ``float64``: a normal takes two words; 52 bits and a half, tails to 8.5.
"""

import math

import numpy as np

from fastsde.kernels.elementary import cos_sin32, cos_sin64, log32, log64
from fastsde.kernels.lanes import as_float, fma, join_words, low_word, root, to_float
from fastsde.kernels.options import in_double, inlined

__all__ = [
    "box_muller32",
    "box_muller64",
    "half_angle32",
    "half_angle64",
    "normals32",
    "normals64",
    "uniform32",
    "uniform64",
]

WORD = np.int32(0x7FFFFFFF)
MANTISSA_SHIFT = np.uint64(12)
ONE_BITS = np.uint64(0x3FF0000000000000)
PI = math.pi


@inlined
def uniform32(word):
    """Uniform ``float32`` in (0, 1] from 31 bits of a word: ``(k + 1/2) / 2**31``, rounded; never 0."""
    return fma(to_float(low_word(word) & WORD), 2.0**-31, 2.0**-32)


@inlined
def half_angle32(word):
    """Half of an angle, uniform ``float32`` in [-pi/2, pi/2], from a word."""
    return to_float(low_word(word)) * (2.0**-32 * PI)


@inlined
@in_double
def uniform64(high, low):
    """Uniform ``float64`` in (0, 1) from two words: ``(k + 1/2) / 2**52``, exact; never 0 or 1."""
    bits = join_words(high, low) >> MANTISSA_SHIFT
    return as_float(bits ^ ONE_BITS) - (1.0 - 2.0**-53)


@inlined
@in_double
def half_angle64(high, low):
    """Half of an angle, uniform ``float64`` in (-pi/2, pi/2), from two words."""
    return (uniform64(high, low) - 0.5) * PI


@inlined
def box_muller32(uniform, half_angle):
    """Two independent standard normal ``float32`` from a uniform number and half of an angle."""
    radius = root(log32(uniform) * -2.0)
    c, s = cos_sin32(half_angle)
    return radius * c, radius * s


@inlined
@in_double
def box_muller64(uniform, half_angle):
    """Two independent standard normal ``float64`` from a uniform number and half of an angle."""
    radius = root(log64(uniform) * -2.0)
    c, s = cos_sin64(half_angle)
    return radius * c, radius * s


@inlined
def normals32(word_0, word_1):
    """Two independent standard normal ``float32`` from two words."""
    return box_muller32(uniform32(word_0), half_angle32(word_1))


@inlined
@in_double
def normals64(word_0, word_1, word_2, word_3):
    """Two independent standard normal ``float64`` from four words."""
    return box_muller64(uniform64(word_0, word_1), half_angle64(word_2, word_3))
