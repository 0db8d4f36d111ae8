"""SGD on fresh samples of a population."""

from typing import Any, NamedTuple

from fastsde.kernels.chain import chain_pair_step, chain_step
from fastsde.kernels.lanes import scalar
from fastsde.kernels.population import draw_fresh
from fastsde.kernels.step import SAMPLES, step_of
from fastsde.kernels.steps.svag import pair_of

__all__ = ["FreshSgd"]


class FreshSgd(NamedTuple):
    """SGD on fresh samples of a population."""

    dense: bool
    dt: float
    batch: int
    scale: float
    population: Any


@step_of(FreshSgd, cooperative=True, memory=SAMPLES)
def fresh_sgd(dynamics, m, net, data, moment):
    """Take a step of SGD."""
    draw_fresh(m, net, dynamics.population, dynamics.batch, moment.stream)
    return chain_step(m, net, dynamics.scale / scalar(m, dynamics.batch), dynamics.batch, dynamics.dt)


@pair_of(FreshSgd)
def fresh_pair(dynamics, pair, m, net, data, moment):
    """Take a step of SVAG: the first half of the samples is the first batch."""
    draw_fresh(m, net, dynamics.population, 2 * dynamics.batch, moment.stream)
    scale = dynamics.scale / scalar(m, dynamics.batch)
    return chain_pair_step(m, net, scale * pair.first, scale * pair.second, dynamics.batch, pair.dt)
