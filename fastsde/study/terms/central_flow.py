"""The central flow of gradient descent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from fastsde.study.fields import Fault
from fastsde.study.setting import Setting, Where
from fastsde.study.terms.derivative import derivative_weights, line
from fastsde.study.terms.second_order import float32_faults
from fastsde.study.terms.term import TERMS, Term

__all__ = ["CentralFlow"]

SUBSPACE_ITERATIONS = 3


class CentralFlow(Term):
    """Adds the central flow of gradient descent along its unstable directions, 1 to 4."""

    name: ClassVar[str] = "central_flow"
    order: ClassVar[int] = 50
    equation: ClassVar[str] = "the time average of descent that oscillates along unstable directions"
    source: ClassVar[str] = "Cohen et al. 2025"
    drift: ClassVar[bool] = True

    def words(self, value: int, model: Any) -> str:
        """Name the term."""
        return f"the central flow of {value} direction{'s' if value > 1 else ''}"

    def faults(self, value: int, model: Any, setting: Setting, where: Where) -> Iterator[Fault]:
        """Refuse more directions than parameters, schedules, and landscapes in ``float32``."""
        here = (*where, self.name)
        if value > setting.parameters:
            yield Fault(here, value, f"at most {setting.parameters}, the parameters")
        if setting.schedule is not None:
            fix = "remove time.schedule or central_flow"
            yield Fault(here, value, "a constant learning rate", fix)
        yield from float32_faults(self.name, value, setting, where)

    def carried(self, value: int, setting: Setting) -> int:
        """Return the size of the unstable directions, which a trajectory carries."""
        return setting.parameters * value

    def drift_parts(self, value: int, model: Any, setting: Setting) -> Mapping[str, Any]:
        """Return the directions, the step of descent, and the weights of two derivatives."""
        from fastsde.kernels.drift.central import Central

        pairs, spacing = line(setting)
        nodes, odd = derivative_weights(pairs, spacing, odd=True)
        far, even = derivative_weights(max(pairs - 1, 1), spacing, odd=False)
        dt, eta = model.dt(setting.learning_rate), setting.learning_rate
        return {"central": Central(value, dt, eta, SUBSPACE_ITERATIONS, nodes, odd, far, even)}


TERMS.register(CentralFlow())
