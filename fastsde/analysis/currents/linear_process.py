"""Linear processes ``dx = -A x dt + noise``, ``<noise noise^T> = 2 D dt``: currents and irreversibility.

With the covariance S (``A S + S A^T = 2 D``) the stationary current is ``Q S^-1 x`` times the density, Q the
antisymmetric ``D - A S``; it vanishes exactly in detailed balance. Risken (1989), chapter 6; Qian (2001);
Godreche and Luck (2019).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import solve_continuous_lyapunov

from fastsde.analysis.protocols import Floats


@dataclass(frozen=True)
class LinearProcess:
    """Drift A, covariance S, and what follows from them; all (d, d).

    Examples
    --------
    >>> noise = np.array([[1.0, 0.0], [0.4, 0.7]])
    >>> process = LinearProcess.of_noise(np.array([[1.0, 0.5], [-0.2, 2.0]]), noise @ noise.T / 2)
    >>> round(float(process.area_rate[0, 1]), 7), round(process.entropy_production, 7)
    (0.0208333, 0.0106293)
    """

    drift: Floats
    covariance: Floats

    @classmethod
    def of_noise(cls, drift: Floats, diffusion: Floats) -> LinearProcess:
        """Solve ``A S + S A^T = 2 D`` for the covariance."""
        return cls(drift, np.asarray(solve_continuous_lyapunov(drift, 2 * diffusion)))

    @property
    def diffusion(self) -> Floats:
        """``D = (A S + S A^T) / 2``."""
        product = self.drift @ self.covariance
        return np.asarray((product + product.T) / 2)

    @property
    def area_rate(self) -> Floats:
        """Mean stochastic area ``<x_i dx_j - x_j dx_i> / 2 dt = (A S - S A^T)_ij / 2 = -Q_ij``."""
        product = self.drift @ self.covariance
        return np.asarray((product - product.T) / 2)

    @property
    def entropy_production(self) -> float:
        """Entropy production rate ``tr(Q^T D^-1 Q S^-1)``, per unit time; NaN if D is singular."""
        diffusion, current = self.diffusion, -self.area_rate
        if np.linalg.eigvalsh(diffusion).min() <= 0:
            return float("nan")
        return float(
            np.trace(current.T @ np.linalg.solve(diffusion, current) @ np.linalg.inv(self.covariance))
        )


def from_lag(covariance: Floats, lagged: Floats, lag: float, least: float = 0.0) -> LinearProcess | None:
    """Find the linear process with given correlations at lags 0 and `lag`: ``A = -log(C_1 C_0^-1) / lag``.

    Parameters
    ----------
    covariance, lagged : ndarray, shape (d, d)
        ``C_0 = <x x^T>`` and ``C_1 = <x(t + lag) x(t)^T>``.
    lag : float
    least : float
        Smallest modulus that an eigenvalue of ``C_1 C_0^-1`` may have.

    Returns
    -------
    LinearProcess or None
        None where the logarithm is not real, or a correlation has died out within the lag.

    Examples
    --------
    >>> found = from_lag(np.diag([2.0, 1.0]), np.diag([2 * np.exp(-0.3), np.exp(-0.5)]), 0.1)
    >>> np.diag(found.drift).round(6)
    array([3., 5.])
    """
    propagator = np.linalg.solve(covariance.T, lagged.T).T
    values, vectors = np.linalg.eig(propagator)
    if np.min(np.abs(values)) <= least or np.any((np.abs(values.imag) < 1e-12) & (values.real <= 0)):
        return None
    drift = -(vectors * np.log(values.astype(complex))) @ np.linalg.inv(vectors) / lag
    return LinearProcess(np.ascontiguousarray(drift.real), covariance)
