"""SGD by weights of all samples."""

from typing import NamedTuple

from fastsde.kernels.dln import deviation_square, push
from fastsde.kernels.lanes import load, meet, share, store
from fastsde.kernels.minibatch import add_counts, choose, count_weights
from fastsde.kernels.moment import with_stream
from fastsde.kernels.residual import finite_noise
from fastsde.kernels.step import RESIDUAL, step_of
from fastsde.kernels.steps.svag import other_batch, pair_of

__all__ = ["WeightSgd"]


class WeightSgd(NamedTuple):
    """SGD by weights of all samples, cheaper for large batches; the same algorithm as `SampleSgd`."""

    dense: bool
    dt: float
    batch: int
    sampling: int


@step_of(WeightSgd, cooperative=True, memory=RESIDUAL)
def weight_sgd(dynamics, m, net, data, moment):
    """Take a step of SGD."""
    start, size = choose(dynamics.sampling, dynamics.batch, len(data.inputs), m, moment)
    count_weights(m, net, data, moment.indices, start, size)
    finite_noise(m, net, data)
    push(m, net, net.weight, dynamics.dt)
    return deviation_square(m, net)


@pair_of(WeightSgd)
def weight_pair(dynamics, pair, m, net, data, moment):
    """Take a step of SVAG, the weights of the two batches added up."""
    n, batch = len(data.inputs), dynamics.batch
    start, size = choose(dynamics.sampling, batch, n, m, with_stream(moment, other_batch(moment.stream)))
    count_weights(m, net, data, moment.indices, start, size)
    for i in share(m, n):
        store(m, net.weights + i, load(m, net.weights + i) * (pair.second / pair.first))
    meet(m)
    start, size = choose(dynamics.sampling, batch, n, m, moment)
    add_counts(m, net, data, moment.indices, start, size)
    for i in share(m, n):
        store(m, net.weights + i, load(m, net.weights + i) * pair.first)
    meet(m)
    finite_noise(m, net, data)
    push(m, net, net.weight, pair.dt)
    return deviation_square(m, net)
