"""Chains of Langevin dynamics around a state: with Metropolis's rule (MALA), or without it (SGLD)."""

from __future__ import annotations

import numpy as np

from fastsde.analysis.learning_coefficient.posterior import Posterior
from fastsde.analysis.protocols import Bools, Floats

__all__ = ["metropolis", "stochastic_gradient"]

ACCEPTED = 0.57
"""Share of proposals that is best to accept (Roberts and Rosenthal 1998)."""
GAIN = 0.05
SETTLED = 200
"""Steps after which the tuning of the step slows down."""


def metropolis(
    law: Posterior, points: Floats, random: np.random.Generator, burn_in: int, steps: int, step: float
) -> tuple[Floats, Floats, Floats]:
    """Sample by Langevin proposals that are accepted or not, which leaves no error of the step.

    During the burn-in each chain tunes its step.

    Parameters
    ----------
    law : Posterior
    points : ndarray, shape (chain, p)
        Where chains start; overwritten.
    random : Generator
    burn_in, steps : int
    step : float
        First step e of ``w - e/2 grad U + sqrt(e) xi``.

    Returns
    -------
    excess : ndarray, shape (steps, chain)
        ``L(w) - L(w_0)`` after each step.
    accepted : ndarray, shape (chain,)
        Share of the proposals after the burn-in.
    sizes : ndarray, shape (chain,)
        Steps after tuning.
    """
    chains = len(points)
    excess, force = law.excess(points), law.force(points)
    energy, sizes = law.energy(points, excess), np.full(chains, step)
    trace, accepted = np.empty((steps, chains)), np.zeros(chains)
    for number in range(burn_in + steps):
        noise = random.standard_normal(points.shape)
        width = sizes[:, None]
        with np.errstate(over="ignore", invalid="ignore"):
            there = points - width / 2 * force + np.sqrt(width) * noise
            new_excess, new_force = law.excess(there), law.force(there)
            new_energy = law.energy(there, new_excess)
            back = np.sum((points - there + width / 2 * new_force) ** 2, axis=1) / (2 * sizes)
            gain = energy - new_energy + np.sum(noise**2, axis=1) / 2 - back
        yes: Bools = np.log(random.random(chains)) < np.where(np.isfinite(gain), gain, -np.inf)
        points[yes], force[yes] = there[yes], new_force[yes]
        excess, energy = np.where(yes, new_excess, excess), np.where(yes, new_energy, energy)
        if number < burn_in:
            sizes = sizes * np.exp(GAIN * (yes - ACCEPTED) / np.sqrt(1 + number / SETTLED))
        else:
            trace[number - burn_in] = excess
            accepted += yes / steps
    return trace, accepted, sizes


def stochastic_gradient(
    law: Posterior,
    points: Floats,
    random: np.random.Generator,
    burn_in: int,
    steps: int,
    step: float,
    batch: int | None,
) -> Floats:
    """Sample by ``w - e/2 grad U + sqrt(e) xi`` as it is (Welling and Teh 2011).

    With `batch` the gradient is that of as many samples, drawn with replacement. Returns ``L(w) - L(w_0)``
    after each step, of all samples, (steps, chain).
    """
    trace, count = np.empty((steps, len(points))), law.objective.samples
    for number in range(burn_in + steps):
        if batch is None:
            force = law.force(points)
        else:
            force = law.batch_force(points, random.integers(count, size=(len(points), batch)))
        points += -step / 2 * force + np.sqrt(step) * random.standard_normal(points.shape)
        if number >= burn_in:
            trace[number - burn_in] = law.excess(points)
    return trace
