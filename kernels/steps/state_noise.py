"""Noise that follows the state, of any shape."""

from typing import Any, NamedTuple

from fastsde.kernels.dln import deviation_square
from fastsde.kernels.lanes import broadcast
from fastsde.kernels.noise_law import fill_law, stretch
from fastsde.kernels.noise_level import levelled
from fastsde.kernels.normal import fill_normals
from fastsde.kernels.philox import FACTOR, NOISE
from fastsde.kernels.shape import gradient_place, keep_gradient, noise_place, shape_noise, work_place
from fastsde.kernels.step import step_of
from fastsde.kernels.steps.isotropic import faster_with_noise
from fastsde.kernels.taming import kept_drift
from fastsde.kernels.vectors import add_times

__all__ = ["StateNoise"]


class StateNoise(NamedTuple):
    """Noise of the covariance ``amplitude^2 B B^T`` per step; of ``amplitude^2 trace`` if that is above 0."""

    dense: bool
    dt: float
    amplitude: float
    tamed: bool
    shape: Any
    trace: float
    clock: Any


@step_of(StateNoise, rescale=faster_with_noise)
def state_noise(dynamics, m, net, data, moment):
    """Take ``theta <- theta - dt grad L + amplitude B(theta) xi``."""
    keep = kept_drift(m, net, data, dynamics.tamed, dynamics.dt, dynamics.clock)
    keep_gradient(m, net, data)
    noise, p = noise_place(net), net.parameters
    fill_law(m, noise, dynamics.shape.draws, dynamics.clock, moment.stream, NOISE)
    if dynamics.shape.starts:
        fill_normals(m, work_place(net, dynamics.shape), p, moment.stream, FACTOR)
    square = shape_noise(m, net, data, dynamics.shape)
    size = broadcast(m, dynamics.amplitude) * stretch(m, dynamics.clock, moment.stream)
    add_times(m, gradient_place(net), 0, broadcast(m, -dynamics.dt) * keep, p)
    add_times(m, noise, 0, size * levelled(m, square, dynamics.trace), p)
    return deviation_square(m, net)
