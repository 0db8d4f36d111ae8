"""One block of trajectories from one step to another: what every driver does with a block's memory."""

from typing import Any, NamedTuple

from numba import uint64

from fastsde.kernels.dln import deviate, deviation_square, product, scaled_loss
from fastsde.kernels.lanes import lane_width
from fastsde.kernels.moment import Moment
from fastsde.kernels.options import inlined, never_inlined
from fastsde.kernels.philox import Stream, counter_words
from fastsde.kernels.primitive import primitive
from fastsde.kernels.step import step
from fastsde.kernels.watch import count_pending, note_divergences, watch

__all__ = ["Model", "Passages", "Span", "advance_block", "ended", "look"]


class Span(NamedTuple):
    """Steps to take."""

    start: int  # integrator step
    steps: int
    closing: bool  # whether to look at the last state, too


class Model(NamedTuple):
    """What a trajectory follows."""

    net: Any  # fastsde.kernels.layout.Network
    data: Any  # fastsde.kernels.layout.Data or fastsde.kernels.surface.Surface
    dynamics: Any  # a step
    key: Any  # of its random numbers


class Passages(NamedTuple):
    """Events to look for, and the steps at which they happened; -1 before."""

    events: Any  # fastsde.kernels.layout.Events
    diverged: Any  # (trajectories,)
    passed: Any  # (trajectories, events)


@inlined
def advance_block(m, indices, lanes, row, span, model, passages):
    """Advance the block in `m`, trajectories `lanes`, over a span of steps.

    `row` is the place of its first trajectory in the arrays of `passages`.
    """
    net, data, dynamics, events = model.net, model.data, model.dynamics, passages.events
    pending = count_pending(passages.passed, row, lane_width(m))
    for s in range(span.start, span.start + span.steps):
        due = pending > 0 and s % events.every == 0
        if due or dynamics.dense:
            product(m, net)
            deviate(m, net, data)
            if due:
                pending -= watch(m, net, data, events, passages.passed, row, s)
        stream = Stream(counter_words(lanes, uint64(s), 0), model.key)
        finite = step(dynamics, m, net, data, Moment(s, s == span.start, indices, lanes, stream))
        note_divergences(m, finite, passages.diverged, row, s)
        if ended(m, finite, events):
            break
    if span.closing:
        look(m, net, data, passages, row, span.start + span.steps, pending)


@primitive
@inlined
def ended(m, finite, events):
    """Return whether nothing that is recorded of the block can change any more; never on CPUs."""
    return False


@never_inlined
def look(m, net, data, passages, row, step, pending):
    """Look at the last state of a block: passages and divergences."""
    product(m, net)
    deviate(m, net, data)
    if pending > 0:
        watch(m, net, data, passages.events, passages.passed, row, step)
    size = scaled_loss(m, net, data) + deviation_square(m, net)
    note_divergences(m, size, passages.diverged, row, step)
