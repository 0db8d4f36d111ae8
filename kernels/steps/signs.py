"""Steps along the signs of a gradient."""

from typing import Any, NamedTuple

from fastsde.kernels.averages import average, gain, keep
from fastsde.kernels.lanes import broadcast, fma, load, meet, scalar, select, share, store
from fastsde.kernels.options import inlined, never_inlined
from fastsde.kernels.precision import Float64
from fastsde.kernels.step import step, step_of

__all__ = ["Signs", "sign"]


class Signs(NamedTuple):
    """signSGD, and Signum with momentum (Bernstein et al. 2018): ``theta <- theta - dt sign(m)``.

    The inner step is of length 1, so that its displacement is ``-g``. ``m <- beta m + (1 - beta) g`` is
    carried if beta is above 0; else m is g.
    """

    dense: bool
    dt: float
    inner: Any
    beta: Float64


@step_of(Signs, cooperative=True)
def signs(dynamics, m, net, data, moment):
    """Take the inner step, then turn it into one along the signs."""
    keep(m, net)
    finite = step(dynamics.inner, m, net, data, moment)
    weights = scalar(m, dynamics.beta), scalar(m, gain(dynamics.beta))
    _go(m, net, dynamics.dt, weights)
    return finite


@inlined
def sign(m, x):
    """Return 1, -1 or 0 with the sign of `x`; NaN of NaN."""
    return select(x > 0.0, broadcast(m, 1.0), select(x < 0.0, broadcast(m, -1.0), x * 0.0))


@never_inlined
def _go(m, net, dt, weights):
    """Turn the step from `kept` to the state, minus the gradient, into one along the signs."""
    for k in share(m, net.parameters):
        before, at = load(m, net.kept + k), net.carried + k
        slope = before - load(m, k)
        if weights[0] > 0.0:
            slope = average(m, at, weights, slope)
        store(m, k, fma(sign(m, slope), broadcast(m, -dt), before))
    meet(m)
