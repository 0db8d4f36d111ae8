"""The monkey saddle."""

from __future__ import annotations

from typing import ClassVar, Literal

from fastsde.study.landscapes.base import LANDSCAPES, Landscape


@LANDSCAPES.register
class MonkeySaddle(Landscape):
    """``V = x^3 - 3 x y^2``: a saddle without a Hessian."""

    order: ClassVar[int] = 4
    equation: ClassVar[str] = "V = x^3 - 3 x y^2"
    about: ClassVar[str] = "A saddle at which the Hessian is zero."

    kind: Literal["monkey-saddle"] = "monkey-saddle"

    @property
    def dimension(self) -> int:
        """Two."""
        return 2

    @property
    def bounded(self) -> bool:
        """Never."""
        return False
