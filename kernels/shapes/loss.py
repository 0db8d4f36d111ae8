"""Isotropic noise whose variance is proportional to the loss."""

import math

from fastsde.kernels.lanes import broadcast, scalar, select
from fastsde.kernels.shape import (
    correction_place,
    excess,
    gradient_place,
    noise_place,
    shape_correction_of,
    shape_noise_of,
)
from fastsde.kernels.vectors import copy


@shape_noise_of("loss")
def loss_noise(m, net, data, shape):
    """Return the trace of ``B B^T = strength max(V - floor, 0) I``."""
    variance = excess(m, net, data, shape.floor) * shape.strength
    copy(m, noise_place(net), noise_place(net), math.sqrt(variance), net.parameters)
    return variance * scalar(m, net.parameters)


@shape_correction_of("loss")
def loss_correction(m, net, data, shape, trace):
    """Write ``strength grad V / 4`` where there is noise; 0 if its trace is the same everywhere."""
    above = excess(m, net, data, shape.floor)
    factor = 0.0 if trace > 0.0 else 0.25 * shape.strength
    share = select(above > 0.0, broadcast(m, factor), 0.0)
    copy(m, gradient_place(net), correction_place(net), share, net.parameters)
    return above
