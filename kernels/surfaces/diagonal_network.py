"""Diagonal linear networks."""

from fastsde.kernels.lanes import broadcast, fma, load, store
from fastsde.kernels.options import inlined
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


@sample_surface("diagonal-network-deep")
def deep_diagonal_network(m, net, data, i, weight, target):
    """Diagonal network, ``(a . beta - y)^2 / 2D``, ``beta = w_+^D - w_-^D``, D in `vector`."""
    half, depth = net.parameters // 2, int(data.vector[0])
    miss = broadcast(m, 0.0) - data.labels[i, 0]
    for j in range(half):
        up, down = _power(m, j, depth), _power(m, half + j, depth)
        miss = fma(up - down, data.inputs[i, j], miss)
    factor = weight * miss
    for j in range(half):
        part = factor * data.inputs[i, j]
        store(m, target + j, fma(part, _power(m, j, depth - 1), load(m, target + j)))
        store(m, target + half + j, fma(-part, _power(m, half + j, depth - 1), load(m, target + half + j)))
    return miss * miss * (0.5 / data.vector[0])


@sample_surface("diagonal-network-power")
def diagonal_power(m, net, data, i, weight, target):
    """Diagonal network, ``(a . beta - y)^2 / 2D``, ``beta = v^D``, D in `vector`."""
    depth = int(data.vector[0])
    miss = broadcast(m, 0.0) - data.labels[i, 0]
    for j in range(net.parameters):
        miss = fma(_power(m, j, depth), data.inputs[i, j], miss)
    factor = weight * miss
    for j in range(net.parameters):
        part = factor * data.inputs[i, j]
        store(m, target + j, fma(part, _power(m, j, depth - 1), load(m, target + j)))
    return miss * miss * (0.5 / data.vector[0])


@sample_surface("diagonal-network-product")
def diagonal_product(m, net, data, i, weight, target):
    """Diagonal network, ``(a . beta - y)^2 / 4``, ``beta = u v``; the u come before the v."""
    half = net.parameters // 2
    miss = broadcast(m, 0.0) - data.labels[i, 0]
    for j in range(half):
        miss = fma(load(m, j) * load(m, half + j), data.inputs[i, j], miss)
    factor = weight * miss * 0.5
    for j in range(half):
        part = factor * data.inputs[i, j]
        first, second = load(m, j), load(m, half + j)
        store(m, target + j, fma(part, second, load(m, target + j)))
        store(m, target + half + j, fma(part, first, load(m, target + half + j)))
    return miss * miss * 0.25


@inlined
def _power(m, k, exponent):
    """Return coordinate `k` to a whole power of at least 1."""
    value = load(m, k)
    for _ in range(exponent - 1):
        value = value * load(m, k)
    return value
