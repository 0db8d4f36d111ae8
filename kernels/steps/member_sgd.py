"""SGD on a landscape, by the gradients of the members of a batch."""

from typing import NamedTuple

from fastsde.kernels.dln import deviation_square, push
from fastsde.kernels.lanes import broadcast, scalar, store
from fastsde.kernels.minibatch import choose
from fastsde.kernels.moment import with_stream
from fastsde.kernels.normal import fill_normals
from fastsde.kernels.options import inlined
from fastsde.kernels.philox import LABEL
from fastsde.kernels.step import step_of
from fastsde.kernels.steps.svag import other_batch, pair_of
from fastsde.kernels.surface_sums import Members, add_members

__all__ = ["MemberSgd"]


class MemberSgd(NamedTuple):
    """SGD on a landscape, by the gradients of the members of a batch; the same algorithm as `WeightSgd`.

    Labels get fresh normal noise of standard deviation `label_sd` at every step, if that is not 0.
    """

    dense: bool
    dt: float
    batch: int
    sampling: int
    label_sd: float


@step_of(MemberSgd)
def member_sgd(dynamics, m, net, data, moment):
    """Take a step of SGD."""
    start, size = choose(dynamics.sampling, dynamics.batch, len(data.inputs), m, moment)
    if dynamics.label_sd > 0.0:
        fill_normals(m, net.label_noise, size * data.labels.shape[1], moment.stream, LABEL)
    _clear(m, net)
    members = Members(moment.indices, start, size, dynamics.label_sd)
    add_members(m, net, data, members, broadcast(m, data.scale / scalar(m, size)), net.residual)
    push(m, net, net.weight, dynamics.dt)
    return deviation_square(m, net)


@pair_of(MemberSgd)
def member_pair(dynamics, pair, m, net, data, moment):
    """Take a step of SVAG, the gradients of the two batches added up."""
    n, batch = len(data.inputs), dynamics.batch
    scale = data.scale / scalar(m, batch)
    _clear(m, net)
    start, size = choose(dynamics.sampling, batch, n, m, with_stream(moment, other_batch(moment.stream)))
    second = Members(moment.indices, start, size, dynamics.label_sd)
    add_members(m, net, data, second, broadcast(m, scale * pair.second), net.residual)
    start, size = choose(dynamics.sampling, batch, n, m, moment)
    first = Members(moment.indices, start, size, dynamics.label_sd)
    add_members(m, net, data, first, broadcast(m, scale * pair.first), net.residual)
    push(m, net, net.weight, pair.dt)
    return deviation_square(m, net)


@inlined
def _clear(m, net):
    """Let the gradient be 0."""
    for k in range(net.parameters):
        store(m, net.residual + k, broadcast(m, 0.0))
