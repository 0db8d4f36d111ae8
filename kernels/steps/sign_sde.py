"""The SDE of signSGD, around a step down the full gradient."""

import math
from typing import Any, NamedTuple

from fastsde.kernels.averages import keep
from fastsde.kernels.gradient_variance import write_variance
from fastsde.kernels.lanes import broadcast, fma, load, root, select, store
from fastsde.kernels.normal import fill_normals
from fastsde.kernels.options import inlined, never_inlined
from fastsde.kernels.philox import NOISE
from fastsde.kernels.special import error_function
from fastsde.kernels.step import step, step_of
from fastsde.kernels.steps.signs import sign

__all__ = ["SignSde"]

ROOT = math.sqrt(0.5)


class SignSde(NamedTuple):
    """The SDE of signSGD (Compagnoni et al. 2024), an Euler step.

    ``theta <- theta - dt e + amplitude sqrt(1 - e^2) xi``, ``e = erf(g / sqrt(2 part diag(C)))``, C the
    covariance of one sample's gradient. The inner step is of length 1, so that its displacement is ``-g``.
    """

    dense: bool
    dt: float
    inner: Any
    amplitude: float
    part: float


@inlined
def _faster(dynamics, f, noise):
    """Multiply dt and the noise; the inner step only gives the gradient."""
    amplitude = dynamics.amplitude * f
    return SignSde(dynamics.dense, dynamics.dt * f, dynamics.inner, amplitude, *dynamics[4:])


@step_of(SignSde, rescale=_faster)
def sign_sde(dynamics, m, net, data, moment):
    """Take the inner step for the gradient, then one of the SDE."""
    write_variance(m, net, data, moment.indices, net.unit, dynamics.part)
    keep(m, net)
    finite = step(dynamics.inner, m, net, data, moment)
    fill_normals(m, net.along, net.parameters, moment.stream, NOISE)
    _diffuse(m, net, dynamics.dt, dynamics.amplitude)
    return finite


@never_inlined
def _diffuse(m, net, dt, amplitude):
    for k in range(net.parameters):
        before = load(m, net.kept + k)
        slope, variance = before - load(m, k), load(m, net.unit + k)
        random = variance > 0.0
        scaled = slope * ROOT / root(select(random, variance, broadcast(m, 1.0)))
        value, _ = error_function(m, scaled)
        mean = select(random, value, sign(m, slope))
        spread = select(random, 1.0 - mean * mean, 0.0)
        noise = root(select(spread > 0.0, spread, 0.0)) * load(m, net.along + k)
        store(m, k, fma(noise, broadcast(m, amplitude), before - mean * dt))
