"""Gradient descent."""

from typing import NamedTuple

from fastsde.kernels.dln import deviation_square, full_residual, push
from fastsde.kernels.step import RESIDUAL, step_of

__all__ = ["Descent"]


class Descent(NamedTuple):
    """Gradient descent."""

    dense: bool
    dt: float


@step_of(Descent, cooperative=True, memory=RESIDUAL)
def descent(dynamics, m, net, data, moment):
    """Take ``theta <- theta - dt grad L``."""
    full_residual(m, net, data)
    push(m, net, net.weight, dynamics.dt)
    return deviation_square(m, net)
