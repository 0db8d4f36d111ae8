"""SGD by chains over the samples of a mini-batch."""

from typing import NamedTuple

from fastsde.kernels.chain import chain_pair_step, chain_step
from fastsde.kernels.lanes import scalar
from fastsde.kernels.minibatch import choose, gather
from fastsde.kernels.moment import with_stream
from fastsde.kernels.step import SAMPLES, step_of
from fastsde.kernels.steps.svag import other_batch, pair_of

__all__ = ["SampleSgd"]


class SampleSgd(NamedTuple):
    """SGD by chains over the samples of a mini-batch."""

    dense: bool
    dt: float
    batch: int
    sampling: int


@step_of(SampleSgd, cooperative=True, memory=SAMPLES)
def sample_sgd(dynamics, m, net, data, moment):
    """Take a step of SGD."""
    start, size = choose(dynamics.sampling, dynamics.batch, len(data.inputs), m, moment)
    gather(m, net, data, moment.indices, start, size, 0, size)
    return chain_step(m, net, data.scale / scalar(m, size), size, dynamics.dt)


@pair_of(SampleSgd)
def sample_pair(dynamics, pair, m, net, data, moment):
    """Take a step of SVAG, the two batches side by side."""
    n, batch = len(data.inputs), dynamics.batch
    start, _ = choose(dynamics.sampling, batch, n, m, moment)
    gather(m, net, data, moment.indices, start, batch, 0, 2 * batch)
    start, _ = choose(dynamics.sampling, batch, n, m, with_stream(moment, other_batch(moment.stream)))
    gather(m, net, data, moment.indices, start, batch, batch, 2 * batch)
    scale = data.scale / scalar(m, batch)
    return chain_pair_step(m, net, scale * pair.first, scale * pair.second, batch, pair.dt)
