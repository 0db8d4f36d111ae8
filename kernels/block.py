"""One block of trajectories from one step to another: what every driver does with a block's memory."""

from typing import Any, NamedTuple

from numba import uint64

from fastsde.kernels.dln import deviate, deviation_square, product, scaled_loss
from fastsde.kernels.lanes import lane_width, meet, share
from fastsde.kernels.moment import Moment
from fastsde.kernels.options import inlined, never_inlined
from fastsde.kernels.philox import Stream, counter_words
from fastsde.kernels.primitive import primitive
from fastsde.kernels.step import step
from fastsde.kernels.watch import count_pending, note_divergences, stop_step, watch

__all__ = ["Model", "Passages", "Span", "advance_block", "ended", "leave", "look"]


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
    state: Any = None  # (blocks, numbers * lanes), where the state of a trajectory that stops is kept
    numbers: int = 0  # of the state of a trajectory


@inlined
def advance_block(m, indices, lanes, row, span, model, passages):
    """Advance the block in `m`, trajectories `lanes`, over a span of steps.

    `row` is the place of its first trajectory in the arrays of `passages`.
    """
    net, data, dynamics, events = model.net, model.data, model.dynamics, passages.events
    pending = count_pending(passages.passed, row, lane_width(m))
    going = lane_width(m)
    for s in range(span.start, span.start + span.steps):
        due = pending > 0 and s % events.every == 0
        if due or dynamics.dense:
            product(m, net)
            deviate(m, net, data)
            if due:
                found = watch(m, net, data, events, passages.passed, row, s)
                pending -= found
                if found > 0 and len(events.stops) > 0:
                    going = keep(m, passages, row, s)
        stream = Stream(counter_words(lanes, uint64(s), 0), model.key)
        finite = step(dynamics, m, net, data, Moment(s, s == span.start, indices, lanes, stream))
        note_divergences(m, finite, passages.diverged, row, s)
        if ended(m, finite, going, events):
            break
    if span.closing:
        look(m, net, data, passages, row, span.start + span.steps, pending)


@primitive
@inlined
def ended(m, finite, going, events):
    """Return whether nothing that is recorded of the block can change any more: on CPUs if all have stopped.

    `going` is the number of trajectories that have not stopped.
    """
    return going == 0


@never_inlined
def keep(m, passages, row, step):
    """Keep the state of trajectories that stop at this step, and return how many have not stopped."""
    meet(m)
    going = 0
    for v in range(lane_width(m)):
        at = stop_step(passages.events.stops, passages.passed, row + v)
        if at == step:
            _put(m, passages, row, v)
        if at < 0:
            going += 1
    meet(m)
    return going


@never_inlined
def leave(m, passages, row):
    """Write the state of a block back, but for trajectories that have stopped: theirs has been kept."""
    for v in range(lane_width(m)):
        if stop_step(passages.events.stops, passages.passed, row + v) < 0:
            _put(m, passages, row, v)


@inlined
def _put(m, passages, row, lane):
    width = lane_width(m)
    b = row // width
    for k in share(m, passages.numbers):
        passages.state[b, k * width + lane] = m[k * width + lane]


@never_inlined
def look(m, net, data, passages, row, step, pending):
    """Look at the last state of a block: passages and divergences."""
    product(m, net)
    deviate(m, net, data)
    if pending > 0:
        watch(m, net, data, passages.events, passages.passed, row, step)
    size = scaled_loss(m, net, data) + deviation_square(m, net)
    note_divergences(m, size, passages.diverged, row, step)
