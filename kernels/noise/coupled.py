"""Gaussian noise that steps of different lengths share."""

import math
from typing import NamedTuple

from numba import uint64

from fastsde.kernels.lanes import broadcast, meet, scalar, share, store
from fastsde.kernels.noise_law import add_by, fill_by
from fastsde.kernels.normal import add_normals
from fastsde.kernels.options import inlined, never_inlined
from fastsde.kernels.philox import MASK, Stream

__all__ = ["Coupled"]


class Coupled(NamedTuple):
    """Normal components, each the sum over `ratio` finer steps inside this one, over the root of `ratio`.

    Steps of any length then share one Brownian path, that of the finest.
    """

    ratio: int


@add_by(Coupled)
def add_coupled(m, start, count, scale, law, stream, purpose):
    """Add `scale` times the sum."""
    _add_finer(m, start, count, scale, law, stream, purpose)


@fill_by(Coupled)
def fill_coupled(m, start, count, law, stream, purpose):
    """Write the sum."""
    _fill_finer(m, start, count, law, stream, purpose)


@never_inlined
def _add_finer(m, start, count, scale, law, stream, purpose):
    part = broadcast(m, 1.0 / math.sqrt(scalar(m, law.ratio))) * scale
    for i in range(law.ratio):
        add_normals(m, start, count, part, _finer(law, stream, i), purpose)


@never_inlined
def _fill_finer(m, start, count, law, stream, purpose):
    for k in share(m, count):
        store(m, start + k, broadcast(m, 0.0))
    meet(m)
    part = broadcast(m, 1.0 / math.sqrt(scalar(m, law.ratio)))
    for i in range(law.ratio):
        add_normals(m, start, count, part, _finer(law, stream, i), purpose)


@inlined
def _finer(law, stream, i):
    """Return the stream of finer step `i`."""
    counter = stream.counter
    number = (counter[0] * uint64(law.ratio) + uint64(i)) & MASK
    return Stream((number, counter[1], counter[2]), stream.key)
