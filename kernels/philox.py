"""Philox4x32-10, the counter-based random number generator (Salmon et al. 2011), stateless.

A 128-bit counter and a 64-bit key give four 32-bit words. The key says which study and model, the counter
which trajectory, step, draw and purpose, so a draw depends on nothing else. Words travel as 64-bit integers
whose upper half may hold rubbish: the products need 64 bits anyway, and on lane vectors this form needs the
fewest instructions.
"""

from typing import Any, NamedTuple

from numba import uint64

from fastsde.kernels.lanes import alike, high_product
from fastsde.kernels.options import inlined

__all__ = [
    "FACTOR",
    "INDEX",
    "JUMP",
    "LABEL",
    "NOISE",
    "SAMPLE",
    "SHUFFLE",
    "START",
    "SUBORDINATOR",
    "WAIT",
    "Stream",
    "counter_words",
    "draw_words",
    "philox",
]

# Purposes: what a draw is for. Part of the counter, so draws for different purposes never meet.
# SAMPLE + 1 and LABEL + 1 are taken by the chi-squares of Student-t numbers.
START, NOISE, SUBORDINATOR, SHUFFLE, INDEX, SAMPLE, _, LABEL, _, JUMP, WAIT, FACTOR = range(12)

MASK = uint64(0xFFFFFFFF)
MULTIPLIER_0 = uint64(0xD2511F53)
MULTIPLIER_1 = uint64(0xCD9E8D57)
WEYL_0 = uint64(0x9E3779B9)
WEYL_1 = uint64(0xBB67AE85)
HALF = uint64(32)


class Stream(NamedTuple):
    """Random numbers of one step: a counter, all but its first word and the purpose, and a key."""

    counter: Any  # three words, of each trajectory
    key: Any  # two words


@inlined
def _round(c, k):
    """Return counter and key after one round."""
    p0 = (c[0] & MASK) * MULTIPLIER_0
    p1 = (c[2] & MASK) * MULTIPLIER_1
    h0 = high_product(c[0], MULTIPLIER_0)
    h1 = high_product(c[2], MULTIPLIER_1)
    return (h1 ^ (c[1] ^ k[0]), p1, h0 ^ (c[3] ^ k[1]), p0), ((k[0] + WEYL_0) & MASK, (k[1] + WEYL_1) & MASK)


@inlined
def philox(c0, c1, c2, c3, k0, k1):
    """Return the four words of a counter under a key, in low halves of 64 bits; `c0` may be one number."""
    c = alike(c2, c0), c1, c2, c3
    k = k0, k1
    c, k = _round(c, k)
    c, k = _round(c, k)
    c, k = _round(c, k)
    c, k = _round(c, k)
    c, k = _round(c, k)
    c, k = _round(c, k)
    c, k = _round(c, k)
    c, k = _round(c, k)
    c, k = _round(c, k)
    c, _ = _round(c, k)
    return c


@inlined
def counter_words(trajectory, step, purpose):
    """Return the counter's second to fourth word; its first is the number of the draw.

    Second: low half of the step. Third: low half of the trajectory number. Fourth: high 12 bits of the step,
    high 12 bits of the trajectory number, and the purpose in the lowest 8.
    """
    second = alike(trajectory, step & MASK)
    third = trajectory & MASK
    fourth = ((step >> HALF) << uint64(20)) ^ ((trajectory >> HALF) << uint64(8)) ^ uint64(purpose)
    return second, third, fourth


@inlined
def draw_words(stream, purpose, number):
    """Return the four words of draw `number` of a stream for a purpose."""
    counter, key = stream.counter, stream.key
    return philox(number, counter[0], counter[1], counter[2] ^ uint64(purpose), key[0], key[1])
