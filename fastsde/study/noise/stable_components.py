"""Increments whose components are independent stable numbers."""

from __future__ import annotations

import math
from typing import Any, ClassVar, Literal, Self

from fastsde.study.fields import Positive
from fastsde.study.noise.law import NOISE_LAWS
from fastsde.study.noise.stable import StableLaw

__all__ = ["StableComponents"]


@NOISE_LAWS.register
class StableComponents(StableLaw):
    """Increments with an independent stable number in each component in place of a normal one.

    The components are those of theta (isotropic), of the factor (given), the samples' weights (gradient noise
    of finite data), or the entries of the two normal matrices of a population's noise.

    Parameters
    ----------
    alpha : float
        Tail index, above 0 and below 2.
    limit : float, optional
        Numbers beyond it are drawn again; in the scale of ``exp(-|u|^alpha)``.
    """

    order: ClassVar[int] = 40
    equation: ClassVar[str] = (
        "dM = (Sigma/2)^(1/2) s dt^(1/alpha), s_i independent, E exp(iu s_i) = exp(-|u|^alpha)"
    )
    source: ClassVar[str] = "Simsekli et al. 2019"
    elliptical: ClassVar[bool] = False

    kind: Literal["stable-components"] = "stable-components"
    limit: Positive | None = None

    @classmethod
    def of_keys(cls, model: Any) -> Self | None:
        """Return the law of `by_component`."""
        if not (model.alpha < 2 and model.by_component) or model.tempering is not None:
            return None
        return cls(alpha=model.alpha, limit=model.truncation)

    @property
    def tail_index(self) -> float:
        """Tail index: alpha, infinite with a limit."""
        return self.alpha if self.limit is None else math.inf

    def words(self) -> str:
        """Name the law."""
        plain = super().words()
        return (
            plain if self.limit is None else f"truncated {plain} (beyond {self.limit:g})"
        ) + ", by component,"

    def factor_of_sum(self, count: int) -> float:
        """Return what makes a sum of `count` stable numbers as wide as one."""
        return float(count ** (0.5 - 1 / self.alpha))

    def lower(self, dt: float) -> Any:
        """Return the law as the kernels take it."""
        from fastsde.kernels.noise import Components

        return Components(alpha=self.alpha, limit=math.inf if self.limit is None else self.limit)
