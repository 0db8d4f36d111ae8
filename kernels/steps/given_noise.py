"""Noise of a given constant covariance."""

from typing import Any, NamedTuple

from fastsde.kernels.dln import deviation_square, full_residual, push
from fastsde.kernels.lanes import broadcast, fma, load, meet, share, store
from fastsde.kernels.noise_law import fill_law, stretch
from fastsde.kernels.options import never_inlined
from fastsde.kernels.philox import FACTOR, NOISE
from fastsde.kernels.step import RESIDUAL, step_of
from fastsde.kernels.steps.isotropic import faster_with_noise
from fastsde.kernels.taming import kept_drift

__all__ = ["GivenNoise"]


class GivenNoise(NamedTuple):
    """Noise of a given constant covariance, ``amplitude^2 (diag(d)^2 + F F^T)`` per step."""

    dense: bool
    dt: float
    amplitude: float
    tamed: bool
    diagonal: Any  # (p,), or nothing of it: (0,)
    factor: Any  # (p, r), r = 0 for none
    clock: Any


@step_of(GivenNoise, cooperative=True, rescale=faster_with_noise, memory=RESIDUAL)
def given_noise(dynamics, m, net, data, moment):
    """Take ``theta <- theta - dt grad L + amplitude (d xi + F eta)``."""
    keep = kept_drift(m, net, data, dynamics.tamed, dynamics.dt, dynamics.clock)
    full_residual(m, net, data)
    push(m, net, net.weight, keep * dynamics.dt)
    size = broadcast(m, dynamics.amplitude) * stretch(m, dynamics.clock, moment.stream)
    _add_shaped(m, net, dynamics.diagonal, dynamics.factor, size, dynamics.clock, moment.stream)
    return deviation_square(m, net)


@never_inlined
def _add_shaped(m, net, diagonal, columns, size, law, stream):
    """Add ``size (d z + F y)``, z and y of the law of components."""
    p, rank = columns.shape
    if len(diagonal) > 0:
        fill_law(m, net.unit, p, law, stream, NOISE)
        for k in share(m, p):
            store(m, k, fma(load(m, net.unit + k), size * diagonal[k], load(m, k)))
        meet(m)
    if rank > 0:
        fill_law(m, net.unit, rank, law, stream, FACTOR)
        for k in share(m, p):
            total = broadcast(m, 0.0)
            for r in range(rank):
                total = fma(load(m, net.unit + r), columns[k, r], total)
            store(m, k, fma(total, size, load(m, k)))
        meet(m)
