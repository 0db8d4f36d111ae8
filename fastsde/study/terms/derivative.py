"""Derivatives of the gradient along a line, from its values at a few points."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fastsde.study.setting import Setting

__all__ = ["derivative_weights", "line"]

Array = NDArray[np.float64]
SPACING_OF_POLYNOMIALS = 0.5
"""Distance of the points, which can be any: the weights are exact."""
SPACING_OF_DIFFERENCES = 2e-3


def derivative_weights(pairs: int, spacing: float, odd: bool) -> tuple[Array, Array]:
    """Give nodes t and weights w of a derivative of g along a line at 0, exact for polynomials.

    ``g'(0) = sum_j w_j (g(t_j) - g(-t_j))`` where `odd`, else
    ``g''(0) / 2 = sum_j w_j (g(t_j) + g(-t_j) - 2 g(0))``, exact up to degree ``2 pairs`` and
    ``2 pairs + 1``.

    Examples
    --------
    >>> nodes, weights = derivative_weights(2, 0.5, odd=True)
    >>> float(weights @ (nodes**3 + nodes - (-nodes) ** 3 + nodes)).__round__(12)
    1.0
    """
    nodes = spacing * np.arange(1, pairs + 1)
    powers = np.arange(pairs) * 2 + (1 if odd else 2)
    target = np.zeros(pairs)
    target[0] = 0.5
    scaled = (np.arange(1, pairs + 1)[None, :].astype(float)) ** powers[:, None]
    return np.asarray(nodes), np.asarray(np.linalg.solve(scaled, target) / spacing ** powers[0])


def line(setting: Setting) -> tuple[int, float]:
    """Return pairs of points, and their distance, that suit the gradient along a line."""
    degree = setting.objective.degree
    if degree is None:
        return 2, SPACING_OF_DIFFERENCES
    return (degree + 1) // 2, SPACING_OF_POLYNOMIALS
