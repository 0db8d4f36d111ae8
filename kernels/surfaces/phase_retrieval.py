"""Phase retrieval."""

from fastsde.kernels.lanes import broadcast, fma, load, store
from fastsde.kernels.surface import sample_surface


@sample_surface("phase-retrieval")
def phase_retrieval(m, net, data, i, weight, target):
    """Phase retrieval, ``((a . x)^2 - y)^2 / 4``: a in `inputs`, y in `labels`."""
    dot = broadcast(m, 0.0)
    for j in range(net.parameters):
        dot = fma(load(m, j), data.inputs[i, j], dot)
    miss = dot * dot - data.labels[i, 0]
    factor = weight * miss * dot
    for j in range(net.parameters):
        store(m, target + j, fma(factor, data.inputs[i, j], load(m, target + j)))
    return miss * miss * 0.25
