"""The clock of fractional time."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated, Any, ClassVar

from pydantic import Field

from fastsde.study.fields import Expect, Fault, Positive, Section
from fastsde.study.setting import Setting, Where
from fastsde.study.terms.term import TERMS, Term

__all__ = ["FractionalTime", "Subordination"]

MAX_EVENTS = 1e6
"""Most steps of operational time in the first step of time, in the mean."""
SPARE_EVENTS = 64
"""Events that fractional time has room for in a step, in multiples of their mean in the first step.

No step has more in law than one and the first, and more than x times the mean there have a probability of at
most ``1.13 n! x^-n`` for every n (Mittag-Leffler moments): 4e-27 at 64. The rest would come one step late.
"""


class Subordination(Section):
    """The clock of fractional time: the inverse of a beta-stable subordinator (Magdziarz, Weron 2007).

    ``X(t) = Y(E(t))``, ``E(t) = inf {tau : T(tau) > t}``, ``E exp(-s T(tau)) = exp(-tau s^beta)``, Y the
    model without it: the law of X obeys the fractional Fokker-Planck equation.
    ``E E(t) = scale^(1-beta) t^beta / Gamma(1+beta)``.

    Parameters
    ----------
    beta : float
        Between 0 and 1, both excluded.
    scale : float, default 1
        Time at which fractional and ordinary clock agree but for the constant.
    """

    beta: Annotated[float, Field(gt=0, lt=1), Expect("a number above 0 and below 1")]
    scale: Positive = 1.0

    def first_events(self, dt: float) -> float:
        """Give the mean number of operational steps in the first step of time, ``E E(dt) / dt``.

        Later steps have fewer, ``n^beta`` times it altogether in the first n.

        Examples
        --------
        >>> round(Subordination(beta=0.5).first_events(0.01), 3)
        11.284
        """
        return float((self.scale / dt) ** (1 - self.beta)) / math.gamma(1 + self.beta)


class FractionalTime(Term):
    """Steps at the events of an inverse stable subordinator."""

    name: ClassVar[str] = "subordination"
    order: ClassVar[int] = 90
    equation: ClassVar[str] = "X(t) = Y(E(t)), E the inverse of a beta-stable subordinator"
    source: ClassVar[str] = "Magdziarz and Weron 2007"

    def words(self, value: Subordination, model: Any) -> str:
        """Name the term."""
        return f"in fractional time of order {value.beta:g}"

    def clashes(self, value: Subordination, model: Any) -> Iterator[Fault]:
        """Refuse the central flow."""
        if model.central_flow is not None:
            expected = "no central flow in fractional time"
            yield Fault(("central_flow",), model.central_flow, expected, "remove one of the two")

    def faults(self, value: Subordination, model: Any, setting: Setting, where: Where) -> Iterator[Fault]:
        """Refuse a first step of time without end."""
        first = value.first_events(model.dt(setting.learning_rate))
        if first > MAX_EVENTS:
            expected = f"at most {MAX_EVENTS:g} steps of operational time in the first step of time"
            found = f"{value.scale:g} (it has {first:.3g})"
            fix = "lower scale, raise beta, or take longer steps"
            yield Fault((*where, "subordination", "scale"), found, expected, fix)

    def not_shared(self, value: Subordination) -> str:
        """Say why paths at dt and dt / 2 cannot be compared."""
        return "in fractional time steps of dt and of dt / 2 do not share a clock"

    def carried(self, value: Subordination, setting: Setting) -> int:
        """Return the two numbers that the time of the next event is."""
        return 2

    def around(self, step: Any, value: Subordination, model: Any, setting: Setting) -> Any:
        """Return the step at the events of the clock."""
        from fastsde.kernels.steps.subordinated import Subordinated

        log_wait = math.log(step.dt) / value.beta + (1 - 1 / value.beta) * math.log(value.scale)
        most = 2 + math.ceil(SPARE_EVENTS * value.first_events(step.dt))
        return Subordinated(True, step.dt, step, value.beta, log_wait - math.log(step.dt), most)


TERMS.register(FractionalTime())
