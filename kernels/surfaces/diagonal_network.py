"""Diagonal linear networks."""

from fastsde.kernels.lanes import broadcast, fma, load, store
from fastsde.kernels.surface import sample_surface


@sample_surface("diagonal-network")
def diagonal_network(m, net, data, i, weight, target):
    """Diagonal network, ``(a . beta - y)^2 / 4``, ``beta = w_+^2 - w_-^2``; the w_+ come before the w_-."""
    half = net.parameters // 2
    miss = broadcast(m, 0.0) - data.labels[i, 0]
    for j in range(half):
        up, down = load(m, j), load(m, half + j)
        miss = fma(up * up - down * down, data.inputs[i, j], miss)
    factor = weight * miss
    for j in range(half):
        part = factor * data.inputs[i, j]
        store(m, target + j, fma(part, load(m, j), load(m, target + j)))
        store(m, target + half + j, fma(-part, load(m, half + j), load(m, target + half + j)))
    return miss * miss * 0.25
