"""The surface of Mueller and Brown."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np

from fastsde.study.fields import Positive
from fastsde.study.landscapes.base import LANDSCAPES, Array, Landscape, Numbers

TERMS = np.array([
    [-200.0, -1.0, 0.0, -10.0, 1.0, 0.0],
    [-100.0, -1.0, 0.0, -10.0, 0.0, 0.5],
    [-170.0, -6.5, 11.0, -6.5, -0.5, 1.5],
    [15.0, 0.7, 0.6, 0.7, -1.0, 1.0],
])  # fmt: skip
"""A, a, b, c, u, v of each term."""


@LANDSCAPES.register
class MuellerBrown(Landscape):
    """The surface of Mueller and Brown (1979), three minima and two saddles, times `scale`.

    Trajectories start in the deepest minimum, (-0.558, 1.442).

    Parameters
    ----------
    scale : float, default 1
        Factor of the energy.
    """

    order: ClassVar[int] = 5
    equation: ClassVar[str] = "V = scale sum_k A_k exp(a_k u_k^2 + b_k u_k v_k + c_k v_k^2)"
    about: ClassVar[str] = "It has three minima and two saddles."
    source: ClassVar[str] = "Mueller and Brown 1979"

    kind: Literal["mueller-brown"] = "mueller-brown"
    scale: Positive = 1.0

    @property
    def dimension(self) -> int:
        """Two."""
        return 2

    def numbers(self) -> Numbers:
        """Return the four terms."""
        table = TERMS.copy()
        table[:, 0] *= self.scale
        return Numbers(table=table)

    def bottom(self) -> Array:
        """Return the deepest minimum."""
        deepest: Array = np.array([-0.5582236, 1.4417258])
        return deepest
