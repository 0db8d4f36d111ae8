"""The rule by which an algorithm, or its SDE, turns gradients into steps: Adam, signs, inertia."""

from __future__ import annotations

from typing import Any, ClassVar

from fastsde.study.setting import Setting
from fastsde.study.terms.term import TERMS, Term

__all__ = ["Rule", "innermost", "with_innermost", "with_unit_step"]


class Rule(Term):
    """Puts the step of a kind of model around that of its gradient, inside a schedule.

    A kind of model with a rule inherits from `fastsde.study.models.ruled.Ruled`, and defines its `surround`.
    """

    name: ClassVar[str] = "rule"
    order: ClassVar[int] = 65

    def carried(self, value: Any, setting: Setting) -> int:
        """Return the numbers that the rule carries from step to step."""
        return int(value.carries) * setting.parameters

    def around(self, step: Any, value: Any, model: Any, setting: Setting) -> Any:
        """Return the step of the rule around that of the gradient."""
        return value.surround(step, setting)


TERMS.register(Rule())


def with_unit_step(step: Any) -> Any:
    """Return a step, with all steps inside it, of length 1: its displacement is minus the gradient."""
    inner = getattr(step, "inner", None)
    return step._replace(dt=1.0) if inner is None else step._replace(dt=1.0, inner=with_unit_step(inner))


def innermost(step: Any) -> Any:
    """Return the step inside all others."""
    return innermost(step.inner) if hasattr(step, "inner") else step


def with_innermost(step: Any, new: Any) -> Any:
    """Return a step with another one inside all others."""
    return step._replace(inner=with_innermost(step.inner, new)) if hasattr(step, "inner") else new
