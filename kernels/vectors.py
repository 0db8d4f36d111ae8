"""Loops over a trajectory's vectors that are calls wherever they are needed: short to compile."""

from fastsde.kernels.lanes import broadcast, fma, load, store
from fastsde.kernels.options import never_inlined

__all__ = ["add_times", "clear", "copy", "unit_vector"]


@never_inlined
def copy(m, source, target, factor, count):
    """Write `factor` times `count` lane vectors."""
    for k in range(count):
        store(m, target + k, load(m, source + k) * factor)


@never_inlined
def add_times(m, source, target, factor, count):
    """Add `factor` times `count` lane vectors."""
    for k in range(count):
        store(m, target + k, fma(load(m, source + k), factor, load(m, target + k)))


@never_inlined
def clear(m, target, count):
    """Write zeros."""
    for k in range(count):
        store(m, target + k, broadcast(m, 0.0))


@never_inlined
def unit_vector(m, target, place, count):
    """Write the unit vector of a coordinate."""
    for k in range(count):
        store(m, target + k, broadcast(m, 1.0 if k == place else 0.0))
