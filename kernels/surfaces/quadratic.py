"""Quadratic landscapes."""

from fastsde.kernels.lanes import broadcast, fma, load, store
from fastsde.kernels.surface import surface


@surface("quadratic")
def quadratic(m, net, data, target):
    """``V = (x - c)^T A (x - c) / 2``: A in `table`, c in `vector`."""
    d = net.parameters
    energy = broadcast(m, 0.0)
    for i in range(d):
        force = broadcast(m, 0.0)
        for j in range(d):
            force = fma(load(m, j) - data.vector[j], data.table[i, j], force)
        store(m, target + i, force)
        energy = fma(force, (load(m, i) - data.vector[i]) * 0.5, energy)
    return energy
