"""The double well."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import numpy as np

from fastsde.study.fields import Expect, Positive, listed
from fastsde.study.landscapes.base import LANDSCAPES, Array, Landscape, Numbers


@LANDSCAPES.register
class DoubleWell(Landscape):
    """``V = height (x_1^4 / 4 - x_1^2 / 2) + 1/2 sum_i stiffness_i x_i^2``, i from 2: minima at -1 and 1.

    The barrier is ``height / 4``. Trajectories start in the left well.

    Parameters
    ----------
    height : float, default 1
        Four times the barrier.
    stiffness : tuple of float, optional
        Of the coordinates after the first, none by default.
    """

    order: ClassVar[int] = 3
    equation: ClassVar[str] = "V = height (x_1^4 / 4 - x_1^2 / 2) + 1/2 sum_i stiffness_i x_i^2, i from 2"
    about: ClassVar[str] = "It has minima at x_1 = -1 and 1."

    kind: Literal["double-well"] = "double-well"
    height: Positive = 1.0
    stiffness: Annotated[tuple[Positive, ...], listed, Expect("a list of numbers above 0")] = ()

    @property
    def dimension(self) -> int:
        """Number of coordinates."""
        return 1 + len(self.stiffness)

    def numbers(self) -> Numbers:
        """Return height and stiffness."""
        return Numbers(vector=np.array([self.height, *self.stiffness]))

    def bottom(self) -> Array:
        """Return the left minimum."""
        left: Array = -np.eye(self.dimension)[0]
        return left
