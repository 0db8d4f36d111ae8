"""Gaussian increments with compound Poisson jumps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Literal, Self

from fastsde.study.fields import Fault, Positive, Section, Share
from fastsde.study.noise.law import NOISE_LAWS, NoiseLaw

__all__ = ["JumpDiffusion", "Jumps"]

MAX_JUMPS = 500.0
"""Most jumps per step, in the mean: more are Gaussian."""


class Jumps(Section):
    """Compound Poisson jumps added to a Gaussian part, within the same covariance (Merton 1976).

    Parameters
    ----------
    rate : float
        Jumps per unit time.
    share : float, default 1
        Share of the variance that the jumps carry; the Gaussian part has the rest.
    """

    rate: Positive
    share: Share = 1.0


@NOISE_LAWS.register
class JumpDiffusion(NoiseLaw):
    """Gaussian increments and compound Poisson jumps, within the same covariance.

    Parameters
    ----------
    rate : float
        Jumps per unit time.
    share : float, default 1
        Share of the variance that the jumps carry; the Gaussian part has the rest.
    """

    order: ClassVar[int] = 60
    equation: ClassVar[str] = "dM = (1 - share + share K / (rate dt))^(1/2) Sigma^(1/2) dW, K Poisson"
    source: ClassVar[str] = "Merton 1976"
    keys: ClassVar[Mapping[str, tuple[str, ...]]] = {"rate": ("jumps", "rate")}

    kind: Literal["jump-diffusion"] = "jump-diffusion"
    rate: Positive
    share: Share = 1.0

    @classmethod
    def of_keys(cls, model: Any) -> Self | None:
        """Return the law of `jumps`."""
        wanted = model.alpha == 2 and model.jumps is not None
        return cls(rate=model.jumps.rate, share=model.jumps.share) if wanted else None

    def words(self) -> str:
        """Name the law."""
        return f"Gaussian and compound Poisson (rate {self.rate:g})"

    def not_shared(self) -> str:
        """Say why increments cannot be shared between two time steps."""
        return "its jumps cannot be shared between steps of dt and of dt / 2"

    def faults(self, dt: float) -> Iterator[Fault]:
        """Refuse more jumps per step than differ from a Gaussian."""
        mean = self.rate * dt
        if mean > MAX_JUMPS:
            expected = (
                f"at most {MAX_JUMPS:g} jumps per step (it is {mean:g}): the sum of more is nearly Gaussian"
            )
            yield Fault(("rate",), self.rate, expected, "lower it")

    def lower(self, dt: float) -> Any:
        """Return the law as the kernels take it."""
        from fastsde.kernels.noise import Jumps as Kernel

        return Kernel(mean=self.rate * dt, share=self.share)
