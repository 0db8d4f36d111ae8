"""Elliptical stable increments, and what stable laws share."""

from __future__ import annotations

from typing import Any, ClassVar, Literal, Self

from fastsde.study.distributions import StableIndex
from fastsde.study.noise.law import NOISE_LAWS, NoiseLaw

__all__ = ["Stable", "StableLaw"]


class StableLaw(NoiseLaw):
    """What the stable laws share: an increment over the time t scales as ``t^(1/alpha)``.

    Parameters
    ----------
    alpha : float
        Tail index, above 0 and below 2.
    """

    source: ClassVar[str] = "Samorodnitsky and Taqqu 1994, sections 1.2 and 2.5"
    tamed: ClassVar[bool] = True

    alpha: StableIndex

    @property
    def tail_index(self) -> float:
        """Tail index: alpha."""
        return self.alpha

    @property
    def time_exponent(self) -> float:
        """Exponent of the scale in time, 1/alpha."""
        return 1 / self.alpha

    def words(self) -> str:
        """Name the law."""
        return f"{self.alpha:g}-stable"

    def scale_words(self, batch_scaling: bool) -> str:
        """Say in which unit of time the scale is, and how it relates to the stable scale."""
        batch = ", B^(1/alpha - 1/2) included" if batch_scaling else ""
        return f"; per time^(1/{self.alpha:g}), sqrt(2) times the stable scale{batch}"

    def not_shared(self) -> str:
        """Say why increments cannot be shared between two time steps."""
        return f"its stable noise (alpha = {self.alpha:g}) cannot be shared between steps of dt and of dt / 2"


@NOISE_LAWS.register
class Stable(StableLaw):
    """Elliptical stable increments: the Gaussian increment times the root of a one-sided stable number.

    Parameters
    ----------
    alpha : float
        Tail index, above 0 and below 2.
    """

    order: ClassVar[int] = 20
    equation: ClassVar[str] = "dM = A0^(1/2) Sigma^(1/2) xi dt^(1/alpha), A0 one-sided (alpha/2)-stable"

    kind: Literal["stable"] = "stable"

    @classmethod
    def of_keys(cls, model: Any) -> Self | None:
        """Return the law of ``alpha`` below 2 alone."""
        plain = model.tempering is None and model.truncation is None and not model.by_component
        return cls(alpha=model.alpha) if model.alpha < 2 and plain else None

    def lower(self, dt: float) -> Any:
        """Return the law as the kernels take it."""
        from fastsde.kernels.noise import Stable as Kernel

        return Kernel(a=self.alpha / 2)
