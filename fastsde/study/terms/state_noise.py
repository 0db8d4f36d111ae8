"""Noise that follows the state: its memory and checks, and the drift of Stratonovich's form."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from fastsde.study.fields import Fault
from fastsde.study.setting import Setting, Where
from fastsde.study.terms.term import TERMS, Term

__all__ = ["FollowingNoise", "Stratonovich"]


class FollowingNoise(Term):
    """The covariance of noise that follows the state; it belongs to the step, and checks itself here."""

    name: ClassVar[str] = "noise"
    order: ClassVar[int] = 56
    equation: ClassVar[str] = "dM = B(theta) dW"

    def of(self, model: Any, setting: Setting | None) -> Any:
        """Return the form of the noise, None if that does not follow the state."""
        return getattr(model, "form", None)

    def faults(self, value: Any, model: Any, setting: Setting, where: Where) -> Iterator[Fault]:
        """Check samples, and what the form itself says."""
        if value.from_samples and setting.samples is None:
            expected = "a noise that needs no samples: the data are infinitely many"
            fix = "give data.samples a number"
            key = "noise" if value.name != "gradient" else "trace"
            yield Fault((*where, key), getattr(model, key), expected, fix)
        yield from value.faults(model, setting, where)


class Stratonovich(Term):
    """Adds the drift ``1/2 sum_jk (d_j B_ik) B_jk`` that makes an equation in Ito's sense Stratonovich's.

    Around the plain step, by `fastsde.integrate.lowering.shapes`: it needs the shape of the noise.
    """

    name: ClassVar[str] = "interpretation"
    order: ClassVar[int] = 57
    equation: ClassVar[str] = "d theta_i = .. + 1/2 sum_jk (d_j B_ik) B_jk dt"
    source: ClassVar[str] = "Stratonovich 1966"
    refined: ClassVar[bool] = False

    def of(self, model: Any, setting: Setting | None) -> Any:
        """Return the form of the noise where a model is in Stratonovich's sense."""
        other = getattr(model, "interpretation", None) == "stratonovich"
        return getattr(model, "form", None) if other else None

    def words(self, value: Any, model: Any) -> str:
        """Name the term."""
        return "in Stratonovich's sense"


for _term in (FollowingNoise, Stratonovich):
    TERMS.register(_term())
