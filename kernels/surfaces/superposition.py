"""The toy model of superposition."""

from fastsde.kernels.lanes import broadcast, fma, load, select, store
from fastsde.kernels.surface import sample_surface


@sample_surface("superposition")
def superposition(m, net, data, i, weight, target):
    """``1/2 sum_k I_k (x_k - relu((W^T W x)_k + b_k))^2``; W before b, I in `vector`."""
    features = data.inputs.shape[1]
    hidden = net.parameters // features - 1
    code, slope, back = net.left, net.left + hidden, net.left + hidden + features
    bias = hidden * features
    energy = broadcast(m, 0.0)
    for h in range(hidden):
        total = broadcast(m, 0.0)
        for k in range(features):
            total = fma(load(m, h * features + k), data.inputs[i, k], total)
        store(m, code + h, total)
        store(m, back + h, broadcast(m, 0.0))
    for k in range(features):
        value = load(m, bias + k)
        for h in range(hidden):
            value = fma(load(m, h * features + k), load(m, code + h), value)
        on = value > 0.0
        miss = select(on, value, 0.0) - data.inputs[i, k]
        energy = fma(miss * miss, data.vector[k] * 0.5, energy)
        change = select(on, miss * data.vector[k], 0.0)
        store(m, slope + k, change)
        store(m, target + bias + k, fma(weight, change, load(m, target + bias + k)))
        for h in range(hidden):
            store(m, back + h, fma(load(m, h * features + k), change, load(m, back + h)))
    for h in range(hidden):
        for k in range(features):
            at = target + h * features + k
            part = fma(load(m, code + h), load(m, slope + k), load(m, back + h) * data.inputs[i, k])
            store(m, at, fma(weight, part, load(m, at)))
    return energy
