"""Primitives of a device where one thread has one trajectory.

A block's memory is a one-dimensional array, whose numbers may be apart in memory; its lane vectors are
numbers.
"""

import math

import numpy as np

from fastsde.kernels import block, lanes
from fastsde.kernels.gather import gather_four
from fastsde.kernels.gpu import products
from fastsde.kernels.gpu.replacements import Replacements
from fastsde.kernels.sample_rows import noise_by_rows

__all__ = ["primitives"]

LOW, HALF = np.uint64(0xFFFFFFFF), np.uint64(32)
PLAIN = Replacements()


@PLAIN.of(lanes.load)
def _load(m, place):
    return m[place]


@PLAIN.of(lanes.store)
def _store(m, place, value):
    m[place] = value


@PLAIN.of(lanes.lane_width)
def _lane_width(m):
    return 1


@PLAIN.of(lanes.ramp)
def _ramp(m, start):
    return start


@PLAIN.of(lanes.any_lane)
def _any_lane(mask):
    return mask


@PLAIN.of(lanes.mask_bits)
def _mask_bits(mask):
    return 1 if mask else 0


@PLAIN.of(lanes.alike)
def _alike(x, value):
    return value


@PLAIN.of(lanes.select)
def _select(mask, a, b):
    return a if mask else b


@PLAIN.of(lanes.low_word)
def _low_word(x):
    return np.int32(x & LOW)


@PLAIN.of(lanes.high_product)
def _high_product(a, factor):
    return ((a & LOW) * factor) >> HALF


@PLAIN.of(lanes.join_words)
def _join_words(high, low):
    return (high << HALF) ^ (low & LOW)


@PLAIN.of(gather_four)
def _gather_four(m, table, indices, place, column):
    row = indices[place]
    return table[row, column], table[row, column + 1], table[row, column + 2], table[row, column + 3]


@PLAIN.of(noise_by_rows)
def _noise_by_rows(m, net, data):
    """Leave it to products, which have forms of their own."""
    return False


@PLAIN.of(block.ended)
def _ended(m, finite, going, events):
    """Return whether a trajectory has stopped, or is not a number: no passage but of a distance holds."""
    return going == 0 or (finite != finite and len(events.radii) == 0)


@PLAIN.of(lanes.share)
def _share(m, count):
    return range(count)


@PLAIN.of(lanes.meet)
def _meet(m):
    pass


@PLAIN.of(lanes.leads)
def _leads(m):
    return True


def primitives(dtype, make, own, entry=None):
    """Return what takes the place of the primitives, the same in ``float64``, and functions by their names.

    Parameters
    ----------
    dtype : numpy dtype
        Of the trajectories.
    make : callable
        Turns a Python function into what kernels of the target call.
    own : dict
        Of the target: `fastsde.kernels.lanes.fma` at least.
    entry : callable, optional
        Of the target, in the place of `fastsde.kernels.gpu.products.entry_of`.
    """
    real = np.dtype(dtype).type
    names = products.parts(make, own[lanes.fma], _zero_of(real), entry)
    table = PLAIN.made(make) | products.PRODUCTS.made(make, names)
    cast = make(_cast(real))
    table |= dict.fromkeys((lanes.broadcast, lanes.like, lanes.scalar), cast)
    return table | _conversions(real, make) | own, _conversions(np.float64, make), names


def _zero_of(real):
    def zero(c):
        return real(0.0)

    return zero


def _cast(real):
    def cast(m, value):
        return real(value)

    return cast


def _conversions(real, make):
    """Return conversions between floats and integers of their width."""
    whole = np.int32 if real is np.float32 else np.int64

    def as_bits(x):
        return real(x).view(whole)

    def as_float(x):
        return whole(x).view(real)

    def to_float(x):
        return real(whole(x))

    def to_int(x):
        return whole(x)

    def root(x):
        return real(math.sqrt(x))

    functions = {
        lanes.as_bits: as_bits,
        lanes.as_float: as_float,
        lanes.to_float: to_float,
        lanes.to_int: to_int,
        lanes.root: root,
    }
    return {original: make(function) for original, function in functions.items()}
