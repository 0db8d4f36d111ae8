"""Noise between isotropic and that of the gradient of a population."""

from typing import Any, NamedTuple

from fastsde.kernels.anisotropy import gradient_square, move, positive
from fastsde.kernels.noise_law import stretch
from fastsde.kernels.residual import noise_trace_population, population_noise
from fastsde.kernels.step import step_of
from fastsde.kernels.steps.isotropic import faster_with_noise
from fastsde.kernels.taming import kept_drift

__all__ = ["AnisotropicPopulation"]


class AnisotropicPopulation(NamedTuple):
    """Noise of the covariance ``amplitude^2 (across^2 tr(C) I + along^2 Q C Q^T)`` per step."""

    dense: bool
    dt: float
    amplitude: float
    tamed: bool
    along: float
    across: float
    turn: Any
    clock: Any


@step_of(AnisotropicPopulation, rescale=faster_with_noise)
def anisotropic_population(dynamics, m, net, data, moment):
    """Take ``theta <- theta - dt grad L - amplitude (along Q C^(1/2) xi + across tr(C)^(1/2) zeta)``."""
    keep = kept_drift(m, net, data, dynamics.tamed, dynamics.dt, dynamics.clock)
    trace = positive(noise_trace_population(m, net, data, gradient_square(m, net, data)))
    size = stretch(m, dynamics.clock, moment.stream) * dynamics.amplitude
    population_noise(m, net, data, 0.0, size * dynamics.along, dynamics.clock, moment.stream)
    return move(m, net, data, dynamics, keep, size, trace, moment.stream)
