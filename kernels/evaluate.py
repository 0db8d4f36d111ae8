"""Energy and gradient of landscapes at given points, besides any integration."""

from fastsde.kernels.lanes import lane_width, store
from fastsde.kernels.options import kernel
from fastsde.kernels.surface_sums import surface_value

__all__ = ["evaluate"]


@kernel
def evaluate(state, memory, net, data, weights, out):
    """Write the energy, then the gradient, of each point; of a mean over samples, by these `weights`.

    Parameters
    ----------
    state : (blocks, parameters * lanes) array
    memory : one thread's memory for a block
    weights : (samples,) array
    out : (blocks * lanes, 1 + parameters) array
    """
    width = lane_width(memory)
    for b in range(state.shape[0]):
        for k in range(state.shape[1]):
            memory[k] = state[b, k]
        for i in range(weights.shape[0]):
            for v in range(width):
                memory[(net.weights + i) * width + v] = weights[i]
        store(memory, net.draw, surface_value(memory, net, data, net.residual))
        for v in range(width):
            out[b * width + v, 0] = memory[net.draw * width + v]
            for k in range(net.parameters):
                out[b * width + v, 1 + k] = memory[(net.residual + k) * width + v]
