"""Standard normals for a range of a block's memory, which they fill or are added to.

Draw number ``i`` of a stream makes normals ``4 i .. 4 i + 3`` in ``float32``, ``2 i, 2 i + 1`` in
``float64``. On lane vectors several draws are made at once (`fastsde.kernels.lane_normals`), elsewhere one
after the other; the normals are the same.
"""

from numba import uint64

from fastsde.kernels.box_muller import normals32, normals64
from fastsde.kernels.lane_normals import FOURS, ROOM, four_normals, keep_uniforms
from fastsde.kernels.lanes import fma, load, meet, scratch, share, store
from fastsde.kernels.options import choice, for_lanes, inlined, is_single
from fastsde.kernels.philox import draw_words
from fastsde.kernels.primitive import primitive

__all__ = ["add_normals", "fill_normals"]


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


@inlined
def _by_fours(m, start, count, scale, stream, purpose):
    """Write normals on lane vectors, or add `scale` times them unless it is None, in two passes."""
    kept = scratch(m, ROOM)
    number = (count + 3) // 4
    for first in range(0, number, FOURS):
        here = min(number - first, FOURS)
        keep_uniforms(kept, first, here, stream, purpose)
        for i in range(here):
            x0, x1, x2, x3 = four_normals(kept, 4 * i)
            at = 4 * (first + i)
            if scale is None:
                put_four(m, start + at, x0, x1, x2, x3)
            else:
                add_four(m, start + at, count - at, x0, x1, x2, x3, scale)


def fill_normals(m, start, count, stream, purpose):
    """Write `count` lane vectors of standard normals from `start` on; up to 3 more are overwritten."""
    raise NotImplementedError("compiled only")


@choice(fill_normals)
def _fill_normals(m, start, count, stream, purpose):
    def fill_lanes(m, start, count, stream, purpose):
        _by_fours(m, start, count, None, stream, purpose)

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

    if for_lanes(m):
        return fill_lanes
    return fill32 if is_single(m) else fill64


def add_normals(m, start, count, scale, stream, purpose):
    """Add to `count` lane vectors `scale` times the normals that `fill_normals` would write."""
    raise NotImplementedError("compiled only")


@choice(add_normals)
def _add_normals(m, start, count, scale, stream, purpose):
    def add_lanes(m, start, count, scale, stream, purpose):
        _by_fours(m, start, count, scale, stream, purpose)

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

    if for_lanes(m):
        return add_lanes
    return add32 if is_single(m) else add64
