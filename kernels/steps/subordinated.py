"""Fractional time: steps taken at random events."""

from typing import Any, NamedTuple

from numba import uint64

from fastsde.kernels.dln import deviate, deviation_square, product
from fastsde.kernels.elementary import exp64
from fastsde.kernels.lanes import lane_width, like, load, select, store
from fastsde.kernels.moment import rekeyed, with_stream
from fastsde.kernels.options import in_double, kernel, never_inlined
from fastsde.kernels.philox import WAIT, draw_words
from fastsde.kernels.precision import Float64
from fastsde.kernels.stable import log_positive_stable
from fastsde.kernels.step import step, step_of

__all__ = ["Subordinated"]

FIRST_WAIT = 0xFFFFFFFF
"""Changes the key of the draw of the first wait."""


class Subordinated(NamedTuple):
    """Steps taken at the events of an inverse stable subordinator: waits ``exp(log_wait) A``, in steps.

    The time of the next event is carried as two numbers, whose sum has the precision of ``float64`` or twice
    that of ``float32``. After `most` events a step ends, and the next one continues with those that are due:
    a bound on the time that a step can take, which `fastsde.study.terms.subordination` sets where it is never
    reached.
    """

    dense: bool
    dt: float
    inner: Any
    beta: Float64
    log_wait: Float64
    most: int


@step_of(Subordinated, rescale=None)
def subordinated(dynamics, m, net, data, moment):
    """Take the inner step at every event before the end of this step."""
    if moment.number == 0:
        _wait(m, net, dynamics.beta, dynamics.log_wait, rekeyed(moment.stream, 0, FIRST_WAIT), True)
    finite = deviation_square(m, net)
    for event in range(dynamics.most):
        if not _due(m, net, moment.number):
            break
        stream = rekeyed(moment.stream, event, 0)
        for k in range(net.parameters):
            store(m, net.kept + k, load(m, k))
        product(m, net)
        deviate(m, net, data)
        finite = finite + step(dynamics.inner, m, net, data, with_stream(moment, stream))
        _keep_waiting(m, net)
        _wait(m, net, dynamics.beta, dynamics.log_wait, stream, False)
    return finite


@kernel
@in_double
def _due(m, net, number):
    """Mark the lanes whose next event falls before the end of step `number`; return whether there is one."""
    width = lane_width(m)
    found = False
    for v in range(width):
        time = float(m[net.carried * width + v]) + float(m[(net.carried + 1) * width + v])
        due = time <= number + 1.0
        found = found or due
        m[net.unit * width + v] = 1.0 if due else 0.0
    return found


@kernel
def _keep_waiting(m, net):
    """Put back the lanes that were not due."""
    due = load(m, net.unit) > 0.5
    for k in range(net.parameters):
        store(m, k, select(due, load(m, k), load(m, net.kept + k)))


@never_inlined
@in_double
def _wait(m, net, beta, log_wait, stream, everyone):
    """Draw the wait until the next event of the lanes that were due."""
    width = lane_width(m)
    w0, w1, w2, w3 = draw_words(stream, WAIT, uint64(0))
    store(m, net.unit + 1, like(m, exp64(log_positive_stable(beta, w0, w1, w2, w3) + log_wait)))
    high, low = net.carried * width, (net.carried + 1) * width
    for v in range(width):
        if everyone or m[net.unit * width + v] > 0.5:
            time = float(m[high + v]) + float(m[low + v]) + min(float(m[(net.unit + 1) * width + v]), 1e30)
            m[high + v] = time
            m[low + v] = time - float(m[high + v])
