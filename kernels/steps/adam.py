"""Adam and RMSProp, around a step."""

from typing import Any, NamedTuple

from fastsde.kernels.averages import average, gain, keep, unbiased
from fastsde.kernels.lanes import load, meet, root, scalar, share, store
from fastsde.kernels.options import never_inlined
from fastsde.kernels.precision import Float64
from fastsde.kernels.step import step, step_of

__all__ = ["Adam"]


class Adam(NamedTuple):
    """Adam (Kingma and Ba 2015), with decoupled weight decay if `decay` is above 0 (Loshchilov, Hutter 2019).

    The inner step is of length 1, so that its displacement is ``-g``: ``m <- beta1 m + (1 - beta1) g``, ``v
    <- beta2 v + (1 - beta2) g^2``, ``theta <- (1 - dt decay) theta - dt m^ / (sqrt(v^) + epsilon)``, ``m^ =
    m / (1 - beta1^k)`` and, if `corrected`, ``v^ = v / (1 - beta2^k)`` at step k = 1, 2, ... m, then v, are
    carried. RMSProp (Tieleman and Hinton 2012) is the case ``beta1 = 0``, not corrected.
    """

    dense: bool
    dt: float
    inner: Any
    beta1: Float64
    beta2: Float64
    epsilon: float
    corrected: bool
    decay: float


@step_of(Adam, cooperative=True)
def adam(dynamics, m, net, data, moment):
    """Take the inner step, then turn it into one of Adam."""
    keep(m, net)
    finite = step(dynamics.inner, m, net, data, moment)
    first = scalar(m, dynamics.beta1), scalar(m, gain(dynamics.beta1))
    second = scalar(m, dynamics.beta2), scalar(m, gain(dynamics.beta2))
    mean = scalar(m, unbiased(dynamics.beta1, moment.number)) * dynamics.dt
    square = scalar(m, unbiased(dynamics.beta2, moment.number)) if dynamics.corrected else scalar(m, 1.0)
    _adapt(m, net, first, second, mean, square, dynamics.epsilon, dynamics.decay * dynamics.dt)
    return finite


@never_inlined
def _adapt(m, net, first, second, mean, square, epsilon, decay):
    """Turn the step from `kept` to the state, minus the gradient, into one of Adam."""
    for k in share(m, net.parameters):
        before, at = load(m, net.kept + k), net.carried + k
        slope = before - load(m, k)
        forward = average(m, at, first, slope)
        squares = average(m, at + net.parameters, second, slope * slope)
        move = forward * mean / (root(squares * square) + epsilon)
        store(m, k, before - move - before * decay)
    meet(m)
