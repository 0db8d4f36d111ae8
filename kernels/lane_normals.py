"""Standard normals of many draws on lane vectors, in two passes: uniform numbers, then normals of them.

The rounds of a draw are one chain of some sixty cycles, its logarithm and root another. A processor looks
ahead by one draw at most, so in a single pass it would wait for both. Each pass instead works on chains that
do not depend on each other: the rounds of two draws (``float32``) or four (``float64``), as packed 32-bit
words, and two logarithms at once, which share their coefficients.
"""

from numba import uint64

from fastsde.kernels.box_muller import (
    box_muller32,
    box_muller64,
    half_angle32,
    half_angle64,
    uniform32,
    uniform64,
)
from fastsde.kernels.lanes import alike, halves, load, low_word, side_by_side, store
from fastsde.kernels.options import choice, inlined, is_single
from fastsde.kernels.philox import Stream, draw_words

__all__ = ["FOURS", "ROOM", "four_normals", "keep_uniforms"]

FOURS = 16  # a four is four lane vectors of normals: one draw of ``float32``, two of ``float64``
ROOM = 4 * FOURS


def keep_uniforms(kept, first, count, stream, purpose):
    """Write uniform numbers and halves of angles for `count` fours from four number `first` on.

    They are for `four_normals`. If `count` is odd, one four more is written.
    """
    raise NotImplementedError("compiled only")


@choice(keep_uniforms, inline=True)
def _keep_uniforms(kept, first, count, stream, purpose):
    def keep32(kept, first, count, stream, purpose):
        numbers, many = _doubled(*_packed(stream), 1)
        for i in range(0, count, 2):
            w0, w1, w2, w3 = draw_words(many, purpose, numbers + uint64(first + i))
            _keep(kept, 4 * i, 4, uniform32(w0), half_angle32(w1))
            _keep(kept, 4 * i + 1, 4, uniform32(w2), half_angle32(w3))

    def keep64(kept, first, count, stream, purpose):
        numbers, many = _doubled(*_doubled(*_packed(stream), 1), 2)
        for i in range(0, count, 2):
            w0, w1, w2, w3 = draw_words(many, purpose, numbers + uint64(2 * (first + i)))
            u, v = halves(uniform64(w0, w1))
            g, h = halves(half_angle64(w2, w3))
            _keep(kept, 4 * i, 1, u, g)
            _keep(kept, 4 * i + 4, 1, v, h)

    return keep32 if is_single(kept) else keep64


@inlined
def _packed(stream):
    """Return the number of a draw, 0, and the stream, as 32-bit words."""
    second, third, fourth = stream.counter
    words = low_word(second), low_word(third), low_word(fourth)
    return alike(words[0], 0), Stream(words, stream.key)


@inlined
def _doubled(numbers, stream, apart):
    """Return draws and, beside them, as many whose numbers are `apart` higher."""
    second, third, fourth = stream.counter
    words = side_by_side(second, second), side_by_side(third, third), side_by_side(fourth, fourth)
    return side_by_side(numbers, alike(numbers, apart) + numbers), Stream(words, stream.key)


@inlined
def _keep(kept, at, apart, uniform, half_angle):
    """Write uniform numbers and halves of angles; the second halves of their lanes are `apart` further on."""
    u, v = halves(uniform)
    g, h = halves(half_angle)
    store(kept, at, u)
    store(kept, at + 2, g)
    store(kept, at + apart, v)
    store(kept, at + apart + 2, h)


def four_normals(kept, at):
    """Return four lane vectors of normals, from what `keep_uniforms` wrote from place `at` on."""
    raise NotImplementedError("compiled only")


@choice(four_normals, inline=True)
def _four_normals(kept, at):
    def four32(kept, at):
        uniform, half_angle = _kept(kept, at)
        x, y = box_muller32(uniform, half_angle)
        return _in_order(x, y)

    def four64(kept, at):
        uniform, half_angle = _kept(kept, at)
        x, y = box_muller64(uniform, half_angle)
        return _in_order(x, y)

    return four32 if is_single(kept) else four64


@inlined
def _kept(kept, at):
    uniform = side_by_side(load(kept, at), load(kept, at + 1))
    return uniform, side_by_side(load(kept, at + 2), load(kept, at + 3))


@inlined
def _in_order(x, y):
    x0, x1 = halves(x)
    y0, y1 = halves(y)
    return x0, y0, x1, y1
