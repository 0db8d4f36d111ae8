"""Stratonovich's form of an equation: a step with the drift by which it differs from Ito's."""

from typing import Any, NamedTuple

from fastsde.kernels.lanes import broadcast
from fastsde.kernels.shape import correction_place, keep_gradient, shape_correction
from fastsde.kernels.step import faster_with_inner, step, step_of
from fastsde.kernels.vectors import add_times

__all__ = ["Interpreted"]


class Interpreted(NamedTuple):
    """A step of an equation in Ito's form, and the noise that the drift of the other form comes from."""

    dense: bool
    dt: float
    inner: Any
    shape: Any
    trace: float


@step_of(Interpreted, rescale=faster_with_inner)
def interpreted(dynamics, m, net, data, moment):
    """Take the inner step, then go along ``1/2 sum_jk (d_j B_ik) B_jk`` of the state it started from."""
    keep_gradient(m, net, data)
    shape_correction(m, net, data, dynamics.shape, dynamics.trace)
    finite = step(dynamics.inner, m, net, data, moment)
    add_times(m, correction_place(net), 0, broadcast(m, dynamics.dt), net.parameters)
    return finite
