"""Noise between isotropic and that of SGD's gradient, at equal trace at every state.

With one sample's covariance C, of p parameters, and a from 0 to 1, the noise has the covariance
``(1 - a) tr(C) / p I + a Q C Q^T``: that of ``a^(1/2) Q C^(1/2) xi + ((1 - a) tr(C) / p)^(1/2) zeta``, xi and
zeta independent. Q is the identity, or a fixed orthogonal matrix (`Turn`); no matrix is formed. An elliptical
law multiplies both parts by the same factor.
"""

import math
from typing import Any, NamedTuple

from fastsde.kernels.dln import deviation_square, full_residual, inner_product, push
from fastsde.kernels.lanes import broadcast, fma, load, meet, select, share, store
from fastsde.kernels.noise_law import add_law
from fastsde.kernels.options import inlined, never_inlined
from fastsde.kernels.philox import FACTOR
from fastsde.kernels.vectors import add_times

__all__ = ["Turn", "gradient_square", "move", "positive"]


class Turn(NamedTuple):
    """An orthogonal matrix as rounds of Householder reflections, each of `group` parameters.

    In each round every parameter is in one group, and ``x <- x - 2 u (u . x)`` in every group, u its unit
    vector. No rounds: the identity.
    """

    group: int
    order: Any  # (rounds, p): the parameters, group after group; the last may be smaller
    axes: Any  # (rounds, p): the unit vector of each group, entry beside entry


@inlined
def gradient_square(m, net, data):
    """Return the squared norm of the gradient, which is written to `gradient`."""
    full_residual(m, net, data)
    push(m, net, net.gradient, None)
    return inner_product(m, net.gradient[0], net.gradient[0], net.parameters)


@inlined
def positive(trace):
    """Return a trace without what rounding makes negative."""
    return select(trace > 0.0, trace, 0.0)


@never_inlined
def turned(m, at, turn):
    """Turn the vector at a place."""
    rounds, p = turn.axes.shape
    for r in range(rounds):
        for number in share(m, (p + turn.group - 1) // turn.group):
            start = number * turn.group
            end = min(start + turn.group, p)
            along = broadcast(m, 0.0)
            for k in range(start, end):
                along = fma(load(m, at + turn.order[r, k]), turn.axes[r, k], along)
            along = along * -2.0
            for k in range(start, end):
                place = at + turn.order[r, k]
                store(m, place, fma(along, turn.axes[r, k], load(m, place)))
        meet(m)


@inlined
def move(m, net, data, dynamics, keep, size, trace, stream):
    """Take ``theta <- theta - dt keep grad L - noise``, and return the size of the state.

    The residual is that of the noise along the gradient's, which is pushed to the parameters and turned; the
    isotropic part, of the standard deviation ``size across trace^(1/2)``, is added here.
    """
    push(m, net, net.gradient, None)
    turned(m, net.gradient[0], dynamics.turn)
    across = math.sqrt(trace) * dynamics.across * size
    add_law(m, net.gradient[0], net.parameters, across, dynamics.clock, stream, FACTOR)
    full_residual(m, net, data)
    push(m, net, net.weight, keep * dynamics.dt)
    add_times(m, net.gradient[0], 0, broadcast(m, -1.0), net.parameters)
    return deviation_square(m, net)
