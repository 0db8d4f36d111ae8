"""The law that is sampled, ``exp(-n_beta L(w) - gamma/2 |w - w_0|^2)``: tempered, and confined to a state."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fastsde.analysis.protocols import Floats
from fastsde.problem.objective import Objective

__all__ = ["Posterior"]


@dataclass(frozen=True)
class Posterior:
    """The law around a state (Lau et al. 2023, equation 17).

    Parameters
    ----------
    objective : Objective
        L, its gradient, and those of its samples.
    centre : ndarray, shape (p,)
        The state w_0.
    n_beta : float
        Number of samples times inverse temperature.
    gamma : float
        Strength of the confinement.
    """

    objective: Objective
    centre: Floats
    n_beta: float
    gamma: float

    def excess(self, points: Floats) -> Floats:
        """Return ``L(w) - L(w_0)`` at points (n, p)."""
        start = self.objective.loss(self.centre[None])[0]
        return np.asarray(self.objective.loss(points) - start, dtype=np.float64)

    def energy(self, points: Floats, excess: Floats) -> Floats:
        """Return minus the logarithm of the density, up to a constant."""
        return np.asarray(self.n_beta * excess + self.gamma / 2 * np.sum((points - self.centre) ** 2, axis=1))

    def force(self, points: Floats) -> Floats:
        """Return the gradient of the energy, (n, p)."""
        slope = np.asarray(self.objective.gradient(points), dtype=np.float64)
        return self.n_beta * slope + self.gamma * (points - self.centre)

    def batch_force(self, points: Floats, chosen: np.ndarray[tuple[int, int], np.dtype[np.int64]]) -> Floats:
        """Return its estimate from the samples `chosen`, (n, batch), of each point."""
        slopes = self.objective.sample_gradients(points)
        assert slopes is not None
        slope = np.take_along_axis(slopes, chosen[:, :, None], axis=1).mean(axis=1)
        return np.asarray(self.n_beta * slope + self.gamma * (points - self.centre), dtype=np.float64)
