"""Normal tempered stable increments."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Literal, Self

from fastsde.study.distributions import StableIndex
from fastsde.study.fields import Fault, Positive
from fastsde.study.noise.law import NOISE_LAWS, NoiseLaw

__all__ = ["TemperedStable"]

MAX_DAMPING = 500.0
"""Largest rate times dt: such noise is Gaussian."""
ACCEPTABLE = 0.7
"""Largest ``rate / a`` of a piece of an increment: half of the draws or more are accepted."""


@NOISE_LAWS.register
class TemperedStable(NoiseLaw):
    """Normal tempered stable increments: the Gaussian increment on an exponentially tempered clock.

    The covariance is exactly that of the Gaussian noise, the excess kurtosis of an increment
    ``3 (1 - alpha/2) / (rate dt)``.

    Parameters
    ----------
    alpha : float
        Tail index well below the time ``1/rate``, above 0 and below 2.
    rate : float
        Rate of the tempering, per unit time.
    """

    order: ClassVar[int] = 50
    equation: ClassVar[str] = (
        "dM = (A(dt)/dt)^(1/2) Sigma^(1/2) dW, A a tempered (alpha/2)-stable subordinator"
    )
    source: ClassVar[str] = "Rosinski 2007"
    tamed: ClassVar[bool] = True
    keys: ClassVar[Mapping[str, tuple[str, ...]]] = {"rate": ("tempering",)}

    kind: Literal["tempered-stable"] = "tempered-stable"
    alpha: StableIndex
    rate: Positive

    @classmethod
    def of_keys(cls, model: Any) -> Self | None:
        """Return the law of `tempering`."""
        wanted = model.alpha < 2 and model.tempering is not None
        return cls(alpha=model.alpha, rate=model.tempering) if wanted else None

    def words(self) -> str:
        """Name the law."""
        return f"tempered {self.alpha:g}-stable (rate {self.rate:g})"

    def not_shared(self) -> str:
        """Say why increments cannot be shared between two time steps."""
        return f"its stable noise (alpha = {self.alpha:g}) cannot be shared between steps of dt and of dt / 2"

    def faults(self, dt: float) -> Iterator[Fault]:
        """Refuse a rate at which the noise is Gaussian."""
        if self.rate * dt > MAX_DAMPING:
            expected = f"at most {MAX_DAMPING / dt:g}, {MAX_DAMPING:g} over the step: such noise is Gaussian"
            yield Fault(("rate",), self.rate, expected, "lower it, or remove tempering and alpha")

    def lower(self, dt: float) -> Any:
        """Return the law as the kernels take it, cut into pieces that are sampled by rejection."""
        from fastsde.kernels.noise import Tempered

        a, rate = self.alpha / 2, self.rate * dt
        pieces = max(1, math.ceil(rate / a / ACCEPTABLE))
        return Tempered(a=a, log_scale=math.log(rate / pieces / a) / a, pieces=pieces, rate=rate)
