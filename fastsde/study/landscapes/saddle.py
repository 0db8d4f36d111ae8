"""Linear saddles."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from pydantic import model_validator

from fastsde.study.fields import Fault, refuse
from fastsde.study.landscapes.base import LANDSCAPES, Landscape, Numbers, Point


@LANDSCAPES.register
class Saddle(Landscape):
    """A linear saddle, ``V = 1/2 sum_i lambda_i x_i^2`` with one eigenvalue or more below 0.

    Parameters
    ----------
    eigenvalues : tuple of float
        lambda_1, lambda_2, ...
    """

    order: ClassVar[int] = 2
    equation: ClassVar[str] = "V = 1/2 sum_i lambda_i x_i^2"
    about: ClassVar[str] = "A linear saddle: one eigenvalue or more is below 0."
    surface: ClassVar[str] = "quadratic"

    kind: Literal["saddle"] = "saddle"
    eigenvalues: Point

    @model_validator(mode="after")
    def _falls(self) -> Saddle:
        if min(self.eigenvalues) >= 0:
            fix = 'take kind = "quadratic"'
            refuse([Fault(("eigenvalues",), list(self.eigenvalues), "one below 0 or more", fix)])
        return self

    @property
    def dimension(self) -> int:
        """Number of coordinates."""
        return len(self.eigenvalues)

    @property
    def bounded(self) -> bool:
        """Never."""
        return False

    def numbers(self) -> Numbers:
        """Return the eigenvalues as a diagonal matrix."""
        return Numbers(table=np.diag(np.array(self.eigenvalues)), vector=self.middle())
