"""The equation whose density is solved, as functions of the state."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from fastsde.analysis.protocols import Floats

__all__ = ["Dynamics"]

Function = Callable[[Floats], Floats]


@dataclass(frozen=True)
class Dynamics:
    """``dx = -(I + J) grad U dt + c dt + B dW``, its stable form, and its clock.

    All functions take points, shape (n, d).

    Attributes
    ----------
    dimension : int
        d, 1 or 2.
    potential, gradient : callable
        U, shape (n,), and its gradient, shape (n, d).
    covariance : ndarray or callable
        ``B B^T`` per unit time, shape (d, d), or a function that returns (n, d, d).
    sense : float
        0 for Ito's sense, 1/2 for Stratonovich's, 1 for anti-Ito's (Klimontovich's). The drift that it adds,
        ``sense * div(B B^T)``, is that of this sense where B is diagonal and ``B_ii`` depends on the state
        in any way, or d = 1.
    correction : callable, optional
        c, shape (n, d): a drift besides.
    rotation : ndarray, optional
        J, shape (d, d).
    alpha : float
        Tail index; 2 for normal increments. Below 2, ``B B^T / 2`` is the square of the stable scale over
        the unit of time: an increment over dt has the characteristic function
        ``exp(-dt (u^T B B^T u / 2)^(alpha/2))``, or by component.
    by_component : bool
        Whether stable components are independent.
    beta, clock_scale : float
        Order of fractional time, 1 for ordinary time, and its scale (`fastsde.study.terms.subordination`).

    Examples
    --------
    >>> bowl = Dynamics(1, lambda x: x[:, 0] ** 2 / 2, lambda x: x, np.array([[0.2]]))
    >>> bowl.constant, bowl.drift(np.array([[2.0]])).tolist()
    (True, [[-2.0]])
    """

    dimension: int
    potential: Function
    gradient: Function
    covariance: Floats | Function
    sense: float = 0.0
    correction: Function | None = None
    rotation: Floats | None = None
    alpha: float = 2.0
    by_component: bool = False
    beta: float = 1.0
    clock_scale: float = 1.0

    @property
    def constant(self) -> bool:
        """Whether the covariance is the same everywhere."""
        return isinstance(self.covariance, np.ndarray)

    @property
    def stable(self) -> bool:
        """Whether the noise is stable and not normal."""
        return self.alpha < 2

    def drift(self, points: Floats) -> Floats:
        """Return the drift, shape (n, d), without that of the sense."""
        slope = self.gradient(points)
        found = -slope
        if self.rotation is not None:
            found = found - slope @ self.rotation.T
        if self.correction is not None:
            found = found + self.correction(points)
        return found

    def covariances(self, points: Floats) -> Floats:
        """Return ``B B^T`` per unit time at every point, shape (n, d, d)."""
        if isinstance(self.covariance, np.ndarray):
            return np.broadcast_to(self.covariance, (len(points), *self.covariance.shape))
        return self.covariance(points)
