"""SGD on fresh measurements of the end-to-end matrix."""

from typing import NamedTuple

from fastsde.kernels.dln import deviate, deviation_square, inner_product, product, push
from fastsde.kernels.lanes import broadcast, fma, lane_width, leads, load, meet, scalar, share, store
from fastsde.kernels.minibatch import replacing
from fastsde.kernels.moment import rekeyed, with_stream
from fastsde.kernels.normal import fill_normals
from fastsde.kernels.options import inlined
from fastsde.kernels.philox import LABEL, SAMPLE
from fastsde.kernels.population import fill
from fastsde.kernels.precision import Float64
from fastsde.kernels.step import step_of
from fastsde.kernels.steps.svag import other_batch, pair_of

__all__ = ["FreshMeasurements"]

NEXT = 0x632BE59B
"""Changes the key of the draws of each further matrix of a batch."""


class FreshMeasurements(NamedTuple):
    """SGD on fresh measurements: entries drawn at random, or standard normal matrices."""

    dense: bool
    dt: float
    batch: int
    label_law: int
    label_tail: Float64
    label_scale: float


@step_of(FreshMeasurements, cooperative=True)
def fresh_measurements(dynamics, m, net, data, moment):
    """Take a step of SGD."""
    _start(m, net, data)
    _add_batch(dynamics, m, net, data, moment, data.scale / scalar(m, dynamics.batch))
    push(m, net, net.weight, dynamics.dt)
    return deviation_square(m, net)


@pair_of(FreshMeasurements)
def fresh_measurements_pair(dynamics, pair, m, net, data, moment):
    """Take a step of SVAG."""
    scale = data.scale / scalar(m, dynamics.batch)
    _start(m, net, data)
    _add_batch(dynamics, m, net, data, moment, scale * pair.first)
    _add_batch(dynamics, m, net, data, with_stream(moment, other_batch(moment.stream)), scale * pair.second)
    push(m, net, net.weight, pair.dt)
    return deviation_square(m, net)


@inlined
def _start(m, net, data):
    """Compute the end-to-end product and its deviation, and empty R."""
    product(m, net)
    deviate(m, net, data)
    for k in share(m, net.widths[0] * net.widths[-1]):
        store(m, net.residual + k, broadcast(m, 0.0))
    meet(m)


@inlined
def _add_batch(dynamics, m, net, data, moment, scale):
    """Add `scale` times the end-to-end gradients of a batch of fresh samples to R."""
    law, tail = dynamics.label_law, dynamics.label_tail
    fill(m, net.error, 1, dynamics.batch, False, law, tail, moment.stream, LABEL)
    if len(data.entries) > 0:
        _add_entries(dynamics, m, net, data, moment, scale)
    else:
        _add_normal(dynamics, m, net, moment.stream, scale)


@inlined
def _add_entries(dynamics, m, net, data, moment, scale):
    width, indices = lane_width(m), moment.indices
    if leads(m):
        replacing(indices, dynamics.batch, len(data.entries), moment.stream)
        for k in range(dynamics.batch):
            for v in range(width):
                entry = data.entries[indices[k * width + v]]
                noise = m[(net.error + k) * width + v] * dynamics.label_scale
                error = m[(net.deviation + entry) * width + v] - noise
                m[(net.residual + entry) * width + v] += error * scale
    meet(m)


@inlined
def _add_normal(dynamics, m, net, stream, scale):
    size = net.widths[0] * net.widths[-1]
    for k in range(dynamics.batch):
        fill_normals(m, net.draw, size, rekeyed(stream, 0, NEXT * k), SAMPLE)
        noise = load(m, net.error + k) * dynamics.label_scale
        error = (inner_product(m, net.draw, net.deviation, size) - noise) * scale
        for j in share(m, size):
            store(m, net.residual + j, fma(error, load(m, net.draw + j), load(m, net.residual + j)))
        meet(m)
