"""Drift besides the gradient, added to a step."""

import math
from typing import Any, NamedTuple

from fastsde.kernels.dln import full_residual, inner_product, push
from fastsde.kernels.drift.central import central_drift
from fastsde.kernels.drift.decay import write_decay
from fastsde.kernels.drift.rotation import add_rotation
from fastsde.kernels.drift.second_order import add_second_order
from fastsde.kernels.lanes import broadcast, load, select, store
from fastsde.kernels.options import inlined, never_inlined
from fastsde.kernels.step import rescaled, step, step_of

__all__ = ["Drifted"]


class Drifted(NamedTuple):
    """A step with drift besides the gradient: ``-(decay theta + J grad U + second H grad U + central)``.

    ``U = L + decay |theta|^2 / 2``. J is given by entries; `nodes` and `odd` are those of a directional
    derivative (`fastsde.kernels.probe`).
    """

    dense: bool
    dt: float
    inner: Any
    tamed: bool
    decay: float
    rows: Any  # (entries,) of J
    columns: Any
    values: Any
    second: float
    nodes: Any
    odd: Any
    central: Any


class Terms(NamedTuple):
    """The terms of the drift without the step inside: what adds them up is compiled once for all steps."""

    decay: float
    rows: Any
    columns: Any
    values: Any
    second: float
    nodes: Any
    odd: Any
    central: Any


@inlined
def _faster(dynamics, f, noise):
    """Multiply dt and the second-order term, half a learning rate, and rescale the inner step."""
    inner = rescaled(dynamics.inner, f, noise)
    return Drifted(dynamics.dense, dynamics.dt * f, inner, *dynamics[3:8], dynamics.second * f, *dynamics[9:])


@step_of(Drifted, rescale=_faster)
def drifted(dynamics, m, net, data, moment):
    """Take the inner step, then go along the drift at the state it started from."""
    _extra_drift(Terms(*dynamics[4:]), m, net, data, moment)
    finite = step(dynamics.inner, m, net, data, moment)
    _add_drift(m, net, dynamics.dt, dynamics.tamed)
    return finite


@never_inlined
def _extra_drift(terms, m, net, data, moment):
    """Write the drift besides the gradient to `extra`; state, product and deviation are left as found."""
    full_residual(m, net, data)
    push(m, net, net.gradient, None)
    write_decay(m, net, terms.decay)
    add_rotation(m, net, terms.rows, terms.columns, terms.values)
    if terms.second > 0.0:
        add_second_order(m, net, data, terms)
    central_drift(m, net, data, terms.central, moment)


@never_inlined
def _add_drift(m, net, dt, tamed):
    factor = broadcast(m, dt)
    if tamed:
        size = math.sqrt(inner_product(m, net.extra, net.extra, net.parameters)) * dt
        factor = select(size > 1.0, factor / size, factor)
    for k in range(net.parameters):
        store(m, k, load(m, k) - factor * load(m, net.extra + k))
