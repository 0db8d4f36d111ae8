"""Momentum: heavy ball, or Nesterov's form."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar

from pydantic import Field

from fastsde.study.fields import Expect, Fault
from fastsde.study.setting import Setting
from fastsde.study.terms.term import TERMS, Term

__all__ = ["Momentum", "MomentumShare", "nesterov_faults"]

MomentumShare = Annotated[float | None, Field(gt=0, lt=1), Expect("a number above 0 and below 1")]


def nesterov_faults(model: Any) -> Iterator[Fault]:
    """Refuse Nesterov's form of no momentum."""
    if model.nesterov is not None and model.momentum is None:
        yield Fault(("nesterov",), model.nesterov, "nesterov only with momentum", "set momentum = 0.9")


class Momentum(Term):
    """``v <- mu v + g``, ``theta <- theta - eta v``, or ``theta <- theta - eta (g + mu v)`` (Nesterov)."""

    name: ClassVar[str] = "momentum"
    order: ClassVar[int] = 60
    equation: ClassVar[str] = "v <- mu v + g, theta <- theta - eta v"
    source: ClassVar[str] = "Polyak 1964"

    def words(self, value: float, model: Any) -> str:
        """Name the term."""
        return f"{'Nesterov ' if model.nesterov else ''}momentum {value:g}"

    def clashes(self, value: float, model: Any) -> Iterator[Fault]:
        """Refuse steps shorter than the learning rate, and the central flow."""
        if model.substeps > 1:
            fix = "remove momentum, or set substeps = 1"
            yield Fault(("momentum",), value, "momentum only with substeps = 1", fix)
        central_flow = getattr(model, "central_flow", None)
        if central_flow is not None:
            expected = "the central flow of descent without momentum"
            yield Fault(("central_flow",), central_flow, expected, "remove one of the two")

    def not_shared(self, value: float) -> str:
        """Say why paths at dt and dt / 2 cannot be compared."""
        return "momentum ties its step to the learning rate"

    def carried(self, value: float, setting: Setting) -> int:
        """Return the size of the velocity."""
        return setting.parameters

    def around(self, step: Any, value: float, model: Any, setting: Setting) -> Any:
        """Return the step with a velocity."""
        from fastsde.kernels.steps.momentum import Momentum as Kernel

        return Kernel(step.dense, step.dt, step, value, bool(model.nesterov))


TERMS.register(Momentum())
