"""Gradient noise of a finite data set."""

from typing import Any, NamedTuple

from fastsde.kernels.dln import deviation_square, push
from fastsde.kernels.noise_law import stretch
from fastsde.kernels.residual import finite_noise, gaussian_weights
from fastsde.kernels.step import RESIDUAL, step_of
from fastsde.kernels.taming import kept_drift

__all__ = ["FiniteNoise"]


class FiniteNoise(NamedTuple):
    """Gradient noise of a finite data set, of the samples' covariance."""

    dense: bool
    dt: float
    amplitude: float
    tamed: bool
    clock: Any


@step_of(FiniteNoise, cooperative=True, memory=RESIDUAL)
def finite_noise_step(dynamics, m, net, data, moment):
    """Take ``theta <- theta - dt (grad L + amplitude C^(1/2) xi)``, C the covariance of one sample."""
    keep = kept_drift(m, net, data, dynamics.tamed, dynamics.dt, dynamics.clock)
    amplitude = stretch(m, dynamics.clock, moment.stream) * dynamics.amplitude
    gaussian_weights(m, net, data, keep, amplitude, dynamics.clock, moment.stream)
    finite_noise(m, net, data)
    push(m, net, net.weight, dynamics.dt)
    return deviation_square(m, net)
