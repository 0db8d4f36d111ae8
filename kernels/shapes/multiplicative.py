"""Noise of each component proportional to the component itself."""

from fastsde.kernels.dln import inner_product
from fastsde.kernels.lanes import load, select, store
from fastsde.kernels.shape import correction_place, noise_place, shape_correction_of, shape_noise_of


@shape_noise_of("multiplicative")
def multiplicative_noise(m, net, data, shape):
    """Return the trace of ``B B^T``, ``B = zeta diag(theta)``; zeta is the `strength`."""
    for k in range(net.parameters):
        at = noise_place(net) + k
        store(m, at, load(m, at) * (load(m, k) * shape.strength))
    return inner_product(m, 0, 0, net.parameters) * (shape.strength * shape.strength)


@shape_correction_of("multiplicative")
def multiplicative_correction(m, net, data, shape, trace):
    """Write ``zeta^2 theta / 2``; of a trace t, ``t theta_i (1 - theta_i^2/|theta|^2) / (2 |theta|^2)``."""
    square = inner_product(m, 0, 0, net.parameters)
    inverse = select(square > 0.0, 1.0 / select(square > 0.0, square, 1.0), 0.0)
    for k in range(net.parameters):
        x = load(m, k)
        if trace > 0.0:
            value = x * inverse * (1.0 - x * x * inverse) * (0.5 * trace)
        else:
            value = x * (0.5 * shape.strength * shape.strength)
        store(m, correction_place(net) + k, value)
    return square
