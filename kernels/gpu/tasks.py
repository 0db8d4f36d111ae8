"""The tasks of a device: what is done with trajectory `t` of a job, in its memory `m`.

They refer to constants that a driver puts in: NET, PLAN, NUMBERS (of the state) and TRACE.
"""

import math
from typing import Any

from numba import uint64

from fastsde.kernels.block import Model, Passages, Span, advance_block, leave, look
from fastsde.kernels.dln import product
from fastsde.kernels.lanczos import block_eigenvalues
from fastsde.kernels.lanes import meet, share
from fastsde.kernels.normal import add_normals, fill_normals
from fastsde.kernels.observe import observe_block, observe_without_trace, put_product
from fastsde.kernels.options import inlined
from fastsde.kernels.philox import START, Stream, counter_words
from fastsde.kernels.watch import count_pending

__all__ = ["TASKS"]

NET: Any = None
PLAN: Any = None
NUMBERS = TRACE = 0
NAN = math.nan


def advance_task(m, indices, t, job):
    """Advance the trajectory in row ``rows[t]``, unless it has nothing more to record."""
    row = job.rows[t]
    _enter(m, job.state, row)
    number = uint64(job.trajectory + row)
    span = Span(job.start, job.steps, False)
    model = Model(NET, job.data, job.dynamics, job.key)
    passages = Passages(job.events, job.diverged, job.passed, job.state, NUMBERS)
    advance_block(m, indices, number, row, span, model, passages)
    leave(m, passages, row)
    meet(m)


def look_task(m, indices, t, job):
    """Look at the state of the trajectory in row ``rows[t]``: passages and divergences."""
    row = job.rows[t]
    _enter(m, job.state, row)
    passages = Passages(job.events, job.diverged, job.passed, job.state, NUMBERS)
    look(m, NET, job.data, passages, row, job.start, count_pending(job.passed, row, 1))


def measure_task(m, indices, t, job):
    """Measure trajectory `t` but for the noise trace, which is not a number."""
    _enter(m, job.state, t)
    job.out[t, 2] = NAN
    observe_without_trace(m, job.net, job.data, job.out, t)


def measure_trace_task(m, indices, t, job):
    """Measure trajectory `t` with the noise trace; one that no formula gives is not a number."""
    _enter(m, job.state, t)
    job.out[t, 2] = NAN
    observe_block(m, job.net, job.data, TRACE, job.out, t)


def noise_task(m, indices, t, job):
    """Take one step, of which only the end-to-end matrix is kept."""
    _enter(m, job.state, t)
    number = uint64(job.trajectory + t)
    model = Model(NET, job.data, job.dynamics, job.key)
    passages = Passages(job.events, job.diverged, job.passed, job.state, NUMBERS)
    advance_block(m, indices, number, 0, Span(job.start, 1, False), model, passages)
    product(m, NET)
    put_product(m, NET, job.out, t, 0)


def curve_task(m, indices, t, job):
    """Find the extreme eigenvalues of the Hessian at trajectory `t`; the second memory follows the first.

    A diverged trajectory is put at the origin.
    """
    _enter(m, job.state, t)
    if job.diverged[t] >= 0 or job.columns[t, 0] * 0.0 != 0.0:
        for k in range(NUMBERS):
            m[k] = 0.0
    space = m[NET.size :]
    block_eigenvalues(m, space, NET, job.data, PLAN, job.starts, job.tolerance, job.out, t)


def start_task(m, indices, t, job):
    """Make the starting point of trajectory `t` of standard normals; what a step carries begins at 0."""
    counter = counter_words(uint64(job.trajectory + t), uint64(0), 0)
    fill_normals(m, 0, NET.parameters, Stream(counter, job.key), START)
    origin = (job.trajectory + t) % len(job.origins)
    for k in range(NET.parameters):
        job.state[t, k] = job.origins[origin, k] + job.scales[k] * m[k]
    for k in range(NET.parameters, NUMBERS):
        job.state[t, k] = 0.0
    job.diverged[t] = -1
    for e in range(job.passed.shape[1]):
        job.passed[t, e] = -1


def draw_task(m, indices, t, job):
    """Add normals to the numbers of trajectory `t`, once per step."""
    _enter(m, job.state, t)
    for s in range(job.steps):
        counter = counter_words(uint64(job.trajectory + t), uint64(s), 0)
        add_normals(m, 0, NUMBERS, 0.5, Stream(counter, job.key), START)
    for k in share(m, NUMBERS):
        job.state[t, k] = m[k]
    meet(m)


@inlined
def _enter(m, state, t):
    for k in share(m, NUMBERS):
        m[k] = state[t, k]
    meet(m)


TASKS = {
    "advance": advance_task,
    "look": look_task,
    "measure": measure_task,
    "measure_trace": measure_trace_task,
    "noise": noise_task,
    "curve": curve_task,
    "start": start_task,
    "draw": draw_task,
}
