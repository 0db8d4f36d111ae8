"""Gaussian increments."""

from __future__ import annotations

from typing import Any, ClassVar, Literal, Self

from fastsde.study.noise.law import NOISE_LAWS, NoiseLaw

__all__ = ["Gaussian"]


@NOISE_LAWS.register
class Gaussian(NoiseLaw):
    """Normal increments, the default.

    Their covariance over the time t is t times the covariance of the noise.
    """

    order: ClassVar[int] = 10
    equation: ClassVar[str] = "dM = Sigma^(1/2) dW"
    gaussian: ClassVar[bool] = True

    kind: Literal["gaussian"] = "gaussian"

    @classmethod
    def of_keys(cls, model: Any) -> Self | None:
        """Return the law of ``alpha = 2`` without jumps."""
        return cls() if model.alpha == 2 and model.jumps is None else None

    def words(self) -> str:
        """Name the law."""
        return "Gaussian"

    def lower(self, dt: float) -> Any:
        """Return None: nothing stretches a Gaussian increment."""
        return None

    def not_shared(self) -> str:
        """Return nothing: normal increments add up."""
        return ""
