"""Langevin dynamics whose isotropic noise follows that of SGD."""

import math
from typing import Any, NamedTuple

from fastsde.kernels.dln import deviation_square, full_residual, inner_product, push
from fastsde.kernels.lanes import select
from fastsde.kernels.noise_law import add_law, stretch
from fastsde.kernels.options import inlined
from fastsde.kernels.philox import NOISE
from fastsde.kernels.residual import noise_trace_finite, noise_trace_population
from fastsde.kernels.step import step_of
from fastsde.kernels.taming import kept_drift

__all__ = ["LocalIsotropic"]


class LocalIsotropic(NamedTuple):
    """Langevin whose variance follows the noise of SGD: `amplitude` times the root of the noise trace."""

    dense: bool
    dt: float
    amplitude: float
    tamed: bool
    finite: bool
    clock: Any


@inlined
def faster_with_amplitude(dynamics, f, noise):
    """Multiply dt and the noise alike."""
    return type(dynamics)(dynamics.dense, dynamics.dt * f, dynamics.amplitude * f, *dynamics[3:])


@step_of(LocalIsotropic, rescale=faster_with_amplitude)
def local_isotropic(dynamics, m, net, data, moment):
    """Take ``theta <- theta - dt grad L + amplitude sqrt(trace) xi``."""
    keep = kept_drift(m, net, data, dynamics.tamed, dynamics.dt, dynamics.clock)
    trace = _noise_trace(m, net, data, dynamics.finite)
    local = math.sqrt(select(trace > 0.0, trace, 0.0)) * dynamics.amplitude
    push(m, net, net.weight, keep * dynamics.dt)
    size = stretch(m, dynamics.clock, moment.stream) * local
    add_law(m, 0, net.parameters, size, dynamics.clock, moment.stream, NOISE)
    return deviation_square(m, net)


@inlined
def _noise_trace(m, net, data, finite):
    """Return the trace of one sample's gradient noise at the current state; leaves R in place."""
    full_residual(m, net, data)
    push(m, net, net.gradient, None)
    square = inner_product(m, net.gradient[0], net.gradient[0], net.parameters)
    if finite:
        return noise_trace_finite(m, net, data, square)
    return noise_trace_population(m, net, data, square)
