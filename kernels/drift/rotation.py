"""Rotational drift: a constant antisymmetric matrix times the gradient."""

from fastsde.kernels.lanes import fma, load, store
from fastsde.kernels.options import inlined

__all__ = ["add_rotation"]


@inlined
def add_rotation(m, net, rows, columns, values):
    """Add ``J grad U`` to `extra`; J is given by its entries, and `along` holds the gradient of U."""
    for e in range(len(values)):
        at = net.extra + rows[e]
        store(m, at, fma(load(m, net.along + columns[e]), values[e], load(m, at)))
