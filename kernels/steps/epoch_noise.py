"""Gradient noise of shuffled epochs: of batches that remember which samples have been used."""

from typing import NamedTuple

from fastsde.kernels.dln import deviation_square, push
from fastsde.kernels.epoch_bridge import bridge_weights
from fastsde.kernels.residual import finite_noise
from fastsde.kernels.step import RESIDUAL, step_of

__all__ = ["EpochNoise"]


class EpochNoise(NamedTuple):
    """Gaussian gradient noise with the covariance of shuffled epochs, within a step and between steps.

    The bridges of the samples' weights are carried, one number per sample.
    """

    dense: bool
    dt: float
    amplitude: float
    batch: int
    substeps: int


@step_of(EpochNoise, cooperative=True, memory=RESIDUAL)
def epoch_noise_step(dynamics, m, net, data, moment):
    """Take ``theta <- theta - dt sum_i w_i grad L_i``, w the weights of `bridge_weights`."""
    bridge_weights(m, net, data, dynamics, moment)
    finite_noise(m, net, data)
    push(m, net, net.weight, dynamics.dt)
    return deviation_square(m, net)
