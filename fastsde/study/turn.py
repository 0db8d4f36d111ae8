"""A random orthogonal matrix that costs little: rounds of reflections of few parameters each."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fastsde.study.random_streams import generator

__all__ = ["GROUP", "ROUNDS", "random_turn", "turn_matrix"]

ROUNDS = 6
"""Reflections that each parameter takes part in."""
GROUP = 4
"""Parameters that one reflection acts on."""

Array = NDArray[np.float64]
Places = NDArray[np.int64]


def random_turn(seed: int, size: int, rounds: int = ROUNDS) -> tuple[Places, Array]:
    """Draw a random orthogonal matrix of some size, as rounds of Householder reflections.

    A product of r reflections leaves ``size - r`` directions where they were, so few of them would hardly
    turn a large matrix. Therefore each round divides all parameters at random among groups of four, and each
    group has a reflection of its own: ``6 ceil(size / 4)`` of them in six rounds, at the cost of 12
    multiplications and additions for each parameter. On average over directions a direction keeps
    ``(1 - 2 / 4)^6 = 1/64`` of itself, and it is spread over up to ``4^6 = 4096`` parameters. Up to four
    parameters, where a round is one reflection, the law of the product is close to uniform (Haar).

    Parameters
    ----------
    seed : int
        Of the study; the stream is used for nothing else.
    size : int
        Number of parameters p.
    rounds : int
        0 for the identity.

    Returns
    -------
    order : ndarray, shape (round, p)
        The parameters of each round, group after group; the last group may be smaller.
    axes : ndarray, shape (round, p)
        Unit vectors u of the groups, entry beside entry: ``x <- x - 2 u (u . x)``.

    Examples
    --------
    >>> order, axes = random_turn(0, 6)
    >>> order.shape, bool(np.isclose(np.sum(axes[0, :4] ** 2), 1.0))
    ((6, 6), True)
    """
    random = generator(seed, "turn")
    order = np.empty((rounds, size), dtype=np.int64)
    for one in order:
        one[:] = random.permutation(size)
    axes = random.standard_normal((rounds, size))
    for start in range(0, size, GROUP):
        part = axes[:, start : start + GROUP]
        part /= np.linalg.norm(part, axis=1, keepdims=True)
    return order, axes


def turn_matrix(order: Places, axes: Array) -> Array:
    """Return the matrix Q itself, for small sizes: ``Q x`` is x after all rounds.

    Examples
    --------
    >>> matrix = turn_matrix(*random_turn(0, 6))
    >>> bool(np.allclose(matrix @ matrix.T, np.eye(6)))
    True
    """
    matrix = np.eye(order.shape[1])
    for places, units in zip(order, axes, strict=True):
        for start in range(0, len(places), GROUP):
            rows, unit = places[start : start + GROUP], units[start : start + GROUP]
            matrix[rows] -= 2.0 * np.outer(unit, unit @ matrix[rows])
    return matrix
