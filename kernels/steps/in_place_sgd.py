"""SGD of one sample per step on a landscape whose function of a sample may change the state itself."""

from typing import NamedTuple

from fastsde.kernels.lanes import broadcast
from fastsde.kernels.minibatch import choose
from fastsde.kernels.normal import fill_normals
from fastsde.kernels.philox import LABEL
from fastsde.kernels.step import step_of
from fastsde.kernels.surface_sums import Members, add_members

__all__ = ["InPlaceSgd"]


class InPlaceSgd(NamedTuple):
    """The same algorithm as `MemberSgd` with batches of one: each parameter is changed where it is.

    A parameter is read for the gradient and changed in one go, without a gradient in memory.
    """

    dense: bool
    dt: float
    batch: int
    sampling: int
    label_sd: float


@step_of(InPlaceSgd)
def in_place_sgd(dynamics, m, net, data, moment):
    """Take a step of SGD; return the loss of the sample."""
    start, _ = choose(dynamics.sampling, 1, len(data.inputs), m, moment)
    if dynamics.label_sd > 0.0:
        fill_normals(m, net.label_noise, data.labels.shape[1], moment.stream, LABEL)
    members = Members(moment.indices, start, 1, dynamics.label_sd)
    return add_members(m, net, data, members, broadcast(m, -dynamics.dt * data.scale), 0)
