"""Gibbs sampling around a state of a deep linear network: each layer is Gaussian, the others given."""

from __future__ import annotations

import numpy as np

from fastsde.analysis.protocols import Floats
from fastsde.problem.data import Problem
from fastsde.problem.network import DeepLinearNetwork

__all__ = ["gibbs"]


def gibbs(
    network: DeepLinearNetwork,
    problem: Problem,
    centre: Floats,
    law: tuple[float, float],
    points: Floats,
    random: np.random.Generator,
    burn_in: int,
    steps: int,
) -> Floats:
    """Draw every layer in turn from its exact law, which has no step and no error of one.

    With ``A = W_{>l}`` and ``B = W_{<l} F``, ``F F^T = S``, the loss is ``c/2 |A W_l B - W* F|^2`` and a
    constant. The law of W_l is therefore Gaussian, and its precision ``n_beta c (A^T A) x (B B^T) + gamma``
    is diagonal in the singular vectors of A and B.

    Parameters
    ----------
    network, problem
    centre : ndarray, shape (p,)
        The state.
    law : (float, float)
        ``n_beta`` and ``gamma``.
    points : ndarray, shape (chain, p)
        Where chains start.
    random : Generator
    burn_in, steps : int
        Rounds over all layers.

    Returns
    -------
    ndarray, shape (steps, chain)
        ``L(w) - L(w_0)`` after each round.
    """
    n_beta, gamma = law[0] * network.loss_scale, law[1]
    target, middle = problem.optimum @ problem.factor, network.unpack(centre)
    layers = network.unpack(points)
    floor = network.loss(centre, problem)
    trace = np.empty((steps, len(points)))
    for number in range(burn_in + steps):
        for place in range(len(layers)):
            after, before = _around(layers, place, problem.factor)
            left, outer, left_t = _spectral(np.swapaxes(after, -1, -2))
            right, inner, right_t = _spectral(before)
            precision = n_beta * outer[:, :, None] * inner[:, None, :] + gamma
            pull = n_beta * (np.swapaxes(after, -1, -2) @ target @ np.swapaxes(before, -1, -2))
            mean = (left_t @ (pull + gamma * middle[place]) @ right) / precision
            drawn = mean + random.standard_normal(mean.shape) / np.sqrt(precision)
            layers[place] = left @ drawn @ right_t
        if number >= burn_in:
            trace[number - burn_in] = network.loss(network.pack(layers), problem) - floor
    return trace


def _around(layers: list[Floats], place: int, factor: Floats) -> tuple[Floats, Floats]:
    """Return the products of the layers after one, and of those before it with the factor of the inputs."""
    chains = len(layers[0])
    before = np.broadcast_to(factor, (chains, *factor.shape))
    for layer in layers[:place]:
        before = layer @ before
    size = layers[-1].shape[-2]
    after = np.broadcast_to(np.eye(size), (chains, size, size))
    for layer in layers[:place:-1]:
        after = after @ layer
    return after, before


def _spectral(matrices: Floats) -> tuple[Floats, Floats, Floats]:
    """Return eigenvectors and eigenvalues of ``M M^T``, exact to rounding also where they are small."""
    vectors, values, _ = np.linalg.svd(matrices)
    squares = np.zeros(vectors.shape[:-1])
    squares[:, : values.shape[1]] = values**2
    return vectors, squares, np.swapaxes(vectors, -1, -2)
