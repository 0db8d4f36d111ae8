"""A learning rate that follows a schedule."""

import math
from typing import Any, NamedTuple

from fastsde.kernels.lanes import scalar
from fastsde.kernels.options import in_double, inlined
from fastsde.kernels.precision import Float64
from fastsde.kernels.step import INNER, rescaled, step, step_of

__all__ = ["CONSTANT", "COSINE", "ENDLESS", "STAIRS", "Schedule", "Scheduled", "rate_factor"]

CONSTANT, STAIRS, COSINE = range(3)
ENDLESS = 1 << 60
"""More drops than there are steps."""


class Schedule(NamedTuple):
    """Learning rate as a share of the nominal one, a function of the learning-rate step."""

    kind: int
    warm: int  # steps of linear warm-up
    every: int  # stairs: steps between two drops
    drop: Float64
    total: int  # cosine: the step at which `final` is reached
    final: Float64
    substeps: int  # integrator steps in a learning-rate step
    drops: int = ENDLESS  # stairs: how many drops there are


class Scheduled(NamedTuple):
    """A step whose learning rate follows a schedule: drift by f, constant noise by ``f^power``."""

    dense: bool
    dt: float
    inner: Any
    schedule: Schedule
    power: float


@step_of(Scheduled, cooperative=True, rescale=None, memory=INNER)
def scheduled(dynamics, m, net, data, moment):
    """Take the inner step at the learning rate of now."""
    f = scalar(m, rate_factor(dynamics.schedule, moment.number))
    now = rescaled(dynamics.inner, f, f**dynamics.power)
    return step(now, m, net, data, moment)


@inlined
@in_double
def rate_factor(schedule, number):
    """Return the learning rate at integrator step `number` as a share of the nominal one."""
    k = number // schedule.substeps
    if k < schedule.warm:
        return (k + 1.0) / (schedule.warm + 1.0)
    k -= schedule.warm
    if schedule.kind == STAIRS:
        return schedule.drop ** min(k // schedule.every, schedule.drops)
    if schedule.kind == COSINE:
        length = max(schedule.total - schedule.warm, 1)
        share = 0.5 * (1.0 + math.cos(math.pi * min(k / length, 1.0)))
        return schedule.final + (1.0 - schedule.final) * share
    return 1.0
