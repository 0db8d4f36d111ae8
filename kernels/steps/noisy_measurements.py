"""SGD on measurements of the end-to-end matrix, with fresh noise of their labels at every step."""

import math
from typing import NamedTuple

from fastsde.kernels.dln import deviation_square, push
from fastsde.kernels.lanes import fma, load, meet, scalar, share, store
from fastsde.kernels.measure import measure, spread
from fastsde.kernels.minibatch import choose, count_weights
from fastsde.kernels.normal import fill_normals
from fastsde.kernels.philox import LABEL
from fastsde.kernels.step import step_of

__all__ = ["NoisyMeasurements"]


class NoisyMeasurements(NamedTuple):
    """SGD whose labels get fresh normal noise of standard deviation `label_sd` at every step.

    A sample that a batch holds k times gets the sum of k normals, as one of variance k.
    """

    dense: bool
    dt: float
    batch: int
    sampling: int
    label_sd: float


@step_of(NoisyMeasurements, cooperative=True)
def noisy_measurements(dynamics, m, net, data, moment):
    """Take a step of SGD on noisy labels."""
    n = len(data.inputs)
    start, size = choose(dynamics.sampling, dynamics.batch, n, m, moment)
    count_weights(m, net, data, moment.indices, start, size)
    measure(m, net, data, m, net.deviation, net.error)
    fill_normals(m, net.draw, n, moment.stream, LABEL)
    one = data.scale / scalar(m, size)
    for i in share(m, n):
        weight = load(m, net.weights + i)
        value = (load(m, net.error + i) - data.noise[i]) * weight
        noise = math.sqrt(weight * one) * -dynamics.label_sd
        store(m, net.error + i, fma(noise, load(m, net.draw + i), value))
    meet(m)
    spread(m, net, data, net.error, m, net.residual)
    push(m, net, net.weight, dynamics.dt)
    return deviation_square(m, net)
