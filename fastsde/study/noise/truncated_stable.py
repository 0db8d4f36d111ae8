"""Elliptical stable increments with a bounded factor."""

from __future__ import annotations

import math
from typing import Any, ClassVar, Literal, Self

from fastsde.study.fields import Positive
from fastsde.study.noise.law import NOISE_LAWS
from fastsde.study.noise.stable import StableLaw

__all__ = ["TruncatedStable"]


@NOISE_LAWS.register
class TruncatedStable(StableLaw):
    """Elliptical stable increments whose factor of the Gaussian increment is drawn again above a limit.

    Parameters
    ----------
    alpha : float
        Tail index below the limit, above 0 and below 2.
    limit : float
        Largest root of the one-sided stable number, in units of the Gaussian increment.
    """

    order: ClassVar[int] = 30
    equation: ClassVar[str] = "as stable, given A0^(1/2) <= limit"
    source: ClassVar[str] = "Mantegna and Stanley 1994"

    kind: Literal["truncated-stable"] = "truncated-stable"
    limit: Positive

    @classmethod
    def of_keys(cls, model: Any) -> Self | None:
        """Return the law of `truncation` without `by_component`."""
        wanted = model.alpha < 2 and model.truncation is not None
        if not wanted or model.by_component or model.tempering is not None:
            return None
        return cls(alpha=model.alpha, limit=model.truncation)

    @property
    def tail_index(self) -> float:
        """Tail index: infinite, as increments have a bounded factor."""
        return math.inf

    def words(self) -> str:
        """Name the law."""
        return f"truncated {super().words()} (beyond {self.limit:g})"

    def lower(self, dt: float) -> Any:
        """Return the law as the kernels take it."""
        from fastsde.kernels.noise import Truncated

        return Truncated(a=self.alpha / 2, log_limit=2 * math.log(self.limit))
