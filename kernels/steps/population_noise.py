"""Gradient noise of a population."""

from typing import Any, NamedTuple

from fastsde.kernels.dln import deviation_square, push
from fastsde.kernels.noise_law import stretch
from fastsde.kernels.residual import population_noise
from fastsde.kernels.step import RESIDUAL, step_of
from fastsde.kernels.taming import kept_drift

__all__ = ["PopulationNoise"]


class PopulationNoise(NamedTuple):
    """Gradient noise of a population, of its covariance."""

    dense: bool
    dt: float
    amplitude: float
    tamed: bool
    clock: Any


@step_of(PopulationNoise, cooperative=True, memory=RESIDUAL)
def population_noise_step(dynamics, m, net, data, moment):
    """Take ``theta <- theta - dt (grad L + amplitude C^(1/2) xi)``, C the covariance of one sample."""
    keep = kept_drift(m, net, data, dynamics.tamed, dynamics.dt, dynamics.clock)
    amplitude = stretch(m, dynamics.clock, moment.stream) * dynamics.amplitude
    population_noise(m, net, data, keep, amplitude, dynamics.clock, moment.stream)
    push(m, net, net.weight, dynamics.dt)
    return deviation_square(m, net)
