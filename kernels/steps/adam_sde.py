"""The SDEs of Adam and RMSProp, around a step with gradient noise."""

from typing import Any, NamedTuple

from fastsde.kernels.averages import average, gain, keep, unbiased
from fastsde.kernels.gradient_variance import write_variance
from fastsde.kernels.lanes import broadcast, fma, load, root, scalar, store
from fastsde.kernels.options import never_inlined
from fastsde.kernels.precision import Float64
from fastsde.kernels.step import faster_with_inner, step, step_of

__all__ = ["AdamSde"]


class AdamSde(NamedTuple):
    """The SDE of Adam (Malladi, Lyu, Panigrahi and Arora 2022), around an Euler step of SGD's SDE.

    The displacement of the inner step over ``-dt`` is a gradient with noise, G; its variance from sample to
    sample, entry by entry, is exact. ``m <- beta1 m + (1 - beta1) G``, ``v <- beta2 v + (1 - beta2) part
    diag(C)``, or plus ``(grad L + decay theta)^2`` with `own`; then a step of Adam. The betas are those of a
    step of dt. m, then v, are carried. The SDE of RMSProp is the case ``beta1 = 0``.
    """

    dense: bool
    dt: float
    inner: Any
    beta1: Float64
    beta2: Float64
    epsilon: float
    corrected: bool
    part: float
    own: bool
    decay: float


@step_of(AdamSde, rescale=faster_with_inner)
def adam_sde(dynamics, m, net, data, moment):
    """Take a step: v from the state, m and theta from the inner step."""
    first = scalar(m, dynamics.beta1), scalar(m, gain(dynamics.beta1))
    second = scalar(m, dynamics.beta2), scalar(m, gain(dynamics.beta2))
    write_variance(m, net, data, moment.indices, net.unit, dynamics.part)
    _average_squares(m, net, second, dynamics.own, dynamics.decay)
    keep(m, net)
    finite = step(dynamics.inner, m, net, data, moment)
    mean = scalar(m, unbiased(dynamics.beta1, moment.number))
    square = scalar(m, unbiased(dynamics.beta2, moment.number)) if dynamics.corrected else scalar(m, 1.0)
    _adapt(m, net, dynamics.dt, first, mean, square, dynamics.epsilon)
    return finite


@never_inlined
def _average_squares(m, net, second, own, decay):
    """Let v relax towards the variance in `unit`, plus the square of the mean gradient if `own`."""
    for k in range(net.parameters):
        square = load(m, net.unit + k)
        if own:
            slope = fma(load(m, k), broadcast(m, decay), load(m, net.gradient[0] + k))
            square = fma(slope, slope, square)
        average(m, net.carried + net.parameters + k, second, square)


@never_inlined
def _adapt(m, net, dt, first, mean, square, epsilon):
    for k in range(net.parameters):
        before, at = load(m, net.kept + k), net.carried + k
        forward = average(m, at, first, (before - load(m, k)) * (1.0 / dt))
        scale = root(load(m, at + net.parameters) * square) + epsilon
        store(m, k, before - forward * (mean * dt) / scale)
