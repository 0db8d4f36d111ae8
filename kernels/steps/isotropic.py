"""Langevin dynamics with isotropic noise of a fixed size."""

from typing import Any, NamedTuple

from fastsde.kernels.dln import deviation_square, full_residual, push
from fastsde.kernels.noise_law import add_law, stretch
from fastsde.kernels.options import inlined
from fastsde.kernels.philox import NOISE
from fastsde.kernels.step import RESIDUAL, step_of
from fastsde.kernels.taming import kept_drift

__all__ = ["Isotropic"]


class Isotropic(NamedTuple):
    """Langevin: isotropic noise of fixed standard deviation `amplitude` per step, stretched by the law."""

    dense: bool
    dt: float
    amplitude: float
    tamed: bool
    clock: Any


@inlined
def faster_with_noise(dynamics, f, noise):
    """Multiply dt, and the noise of constant size."""
    return type(dynamics)(dynamics.dense, dynamics.dt * f, dynamics.amplitude * noise, *dynamics[3:])


@step_of(Isotropic, cooperative=True, rescale=faster_with_noise, memory=RESIDUAL)
def isotropic(dynamics, m, net, data, moment):
    """Take ``theta <- theta - dt grad L + amplitude xi``."""
    keep = kept_drift(m, net, data, dynamics.tamed, dynamics.dt, dynamics.clock)
    full_residual(m, net, data)
    push(m, net, net.weight, keep * dynamics.dt)
    size = stretch(m, dynamics.clock, moment.stream) * dynamics.amplitude
    add_law(m, 0, net.parameters, size, dynamics.clock, moment.stream, NOISE)
    return deviation_square(m, net)
