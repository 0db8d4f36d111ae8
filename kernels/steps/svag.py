"""Stochastic variance amplified gradient (Li, Malladi and Arora 2021)."""

from typing import Any, NamedTuple

from fastsde.kernels.dispatch import ByClass
from fastsde.kernels.moment import rekeyed
from fastsde.kernels.options import inlined
from fastsde.kernels.step import INNER, step_of

__all__ = ["Svag", "other_batch", "pair_of"]

OTHER_BATCH = 0x5BD1E995
"""Changes the key of the draws of the second batch."""


class Svag(NamedTuple):
    """Stochastic variance amplified gradient: two independent batches in one step.

    The gradient is ``c1 g1 + c2 g2``, ``c1, c2 = (1 +- sqrt(2 l - 1)) / 2``: the mean of SGD's, l times its
    covariance. `inner` says how one batch is drawn and its gradient made.
    """

    dense: bool
    dt: float
    batch: int  # samples of both batches
    inner: Any  # a step of SGD
    first: float  # c1
    second: float  # c2


def two_batches(dynamics, pair, m, net, data, moment):
    """Advance one block by the step `pair` of SVAG, each batch of which is drawn as `dynamics` says."""
    raise NotImplementedError("compiled only")


pair_of = ByClass(two_batches, "dynamics", "inner", enters=True, inline=True).of
"""Register the decorated function as what SVAG does with two batches of a step of SGD."""


@step_of(Svag, cooperative=True, memory=INNER)
def svag(dynamics, m, net, data, moment):
    """Take a step of SVAG."""
    return two_batches(dynamics.inner, dynamics, m, net, data, moment)


@inlined
def other_batch(stream):
    """Return the random numbers of the second batch."""
    return rekeyed(stream, OTHER_BATCH, 0)
