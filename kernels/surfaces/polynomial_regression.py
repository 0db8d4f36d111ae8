"""Regression by a polynomial of one parameter."""

from fastsde.kernels.lanes import broadcast, fma, load, store
from fastsde.kernels.options import inlined
from fastsde.kernels.surface import sample_surface
from fastsde.kernels.surface_sums import Sums


@inlined
def _polynomial(m, data):
    """Return ``f = c prod_j (w - r_j)^m_j`` and its derivative; the r_j and m_j are rows of `table`."""
    w = load(m, 0)
    value, slope = broadcast(m, data.vector[0]), broadcast(m, 0.0)
    for j in range(data.table.shape[0]):
        factor = w - data.table[j, 0]
        for _ in range(int(data.table[j, 1])):
            slope = fma(slope, factor, value)
            value = value * factor
    return value, slope


def _weighted(m, net, data, target):
    """Go over all samples with one value of the polynomial."""
    value, slope = _polynomial(m, data)
    energy, total = broadcast(m, 0.0), broadcast(m, 0.0)
    for i in range(len(data.inputs)):
        miss = value * data.inputs[i, 0] - data.labels[i, 0]
        part = load(m, net.weights + i) * miss
        energy = fma(part, miss, energy)
        total = fma(part, data.inputs[i, 0], total)
    store(m, target, total * slope)
    return energy * 0.5


@sample_surface("polynomial-regression", Sums(value=_weighted))
def polynomial_regression(m, net, data, i, weight, target):
    """``(f(w) x - y)^2 / 2``."""
    value, slope = _polynomial(m, data)
    miss = value * data.inputs[i, 0] - data.labels[i, 0]
    store(m, target, fma(weight * miss * data.inputs[i, 0], slope, load(m, target)))
    return miss * miss * 0.5
