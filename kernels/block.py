"""One block of trajectories from one step to another: what every driver does with a block's memory."""

from numba import uint64

from fastsde.kernels.dln import deviate, deviation_square, product, scaled_loss
from fastsde.kernels.lanes import lane_width
from fastsde.kernels.options import apart, inlined
from fastsde.kernels.philox import counter_words
from fastsde.kernels.refine import step
from fastsde.kernels.watch import count_pending, note_explosions, watch

__all__ = ["advance_block", "ended", "look"]


@inlined
def advance_block(
    m, choice, lanes, row, start, steps, closing, net, data, dynamics, key, events, exploded, passed
):
    """Advance the block in `m`, trajectories `lanes`, by `steps` steps from step `start`.

    `row` is the place of its first trajectory in `exploded` and `passed`; `closing` looks at the last point.
    """
    pending = count_pending(passed, row, lane_width(m))
    for s in range(start, start + steps):
        due = pending > 0 and s % events.every == 0
        if due or dynamics.dense:
            product(m, net)
            deviate(m, net, data)
            if due:
                pending -= watch(m, net, data, events, passed, row, s)
        counter = counter_words(lanes, uint64(s), 0)
        finite = step(dynamics, m, choice, net, data, s, s == start, lanes, counter, key)
        note_explosions(m, finite, exploded, row, s)
        if ended(m, finite, events):
            break
    if closing:
        look(m, net, data, events, exploded, passed, row, start + steps, pending)


@inlined
def ended(m, finite, events):
    """Return whether nothing that is recorded of the block can change any more; never on processors."""
    return False


@apart
def look(m, net, data, events, exploded, passed, row, step, pending):
    """Look at the last point of a block: passages and explosions."""
    product(m, net)
    deviate(m, net, data)
    if pending > 0:
        watch(m, net, data, events, passed, row, step)
    size = scaled_loss(m, net, data) + deviation_square(m, net)
    note_explosions(m, size, exploded, row, step)
