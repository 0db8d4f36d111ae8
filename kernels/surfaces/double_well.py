"""The double well."""

from fastsde.kernels.lanes import fma, load, store
from fastsde.kernels.surface import surface


@surface("double-well")
def double_well(m, net, data, target):
    """``V = h (x_1^4 / 4 - x_1^2 / 2) + 1/2 sum_i k_i x_i^2``: h, then the k, in `vector`."""
    x = load(m, 0)
    square = x * x
    energy = (square * square * 0.25 - square * 0.5) * data.vector[0]
    store(m, target, (square * x - x) * data.vector[0])
    for i in range(1, net.parameters):
        force = load(m, i) * data.vector[i]
        store(m, target + i, force)
        energy = fma(force, load(m, i) * 0.5, energy)
    return energy
