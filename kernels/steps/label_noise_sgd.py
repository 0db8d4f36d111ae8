"""SGD with fresh noise of the labels at every step."""

from typing import NamedTuple

from fastsde.kernels.chain import chain_step
from fastsde.kernels.lanes import scalar
from fastsde.kernels.minibatch import choose, gather
from fastsde.kernels.normal import add_normals
from fastsde.kernels.philox import LABEL
from fastsde.kernels.step import SAMPLES, step_of

__all__ = ["LabelNoiseSgd"]


class LabelNoiseSgd(NamedTuple):
    """SGD whose labels get fresh normal noise of standard deviation `label_sd` at every step."""

    dense: bool
    dt: float
    batch: int
    sampling: int
    label_sd: float


@step_of(LabelNoiseSgd, cooperative=True, memory=SAMPLES)
def label_noise_sgd(dynamics, m, net, data, moment):
    """Take a step of SGD on noisy labels."""
    start, size = choose(dynamics.sampling, dynamics.batch, len(data.inputs), m, moment)
    gather(m, net, data, moment.indices, start, size, 0, size)
    add_normals(m, net.error, net.widths[-1] * size, dynamics.label_sd, moment.stream, LABEL)
    return chain_step(m, net, data.scale / scalar(m, size), size, dynamics.dt)
