"""What the kinds of model share whose steps follow a rule of their own: signs, averages, inertia."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import Field

from fastsde.study.fields import Expect
from fastsde.study.models.model import Model
from fastsde.study.setting import Setting

__all__ = ["Average", "Ruled"]

Average = Annotated[float, Field(ge=0, lt=1), Expect("a number from 0, below 1")]


class Ruled(Model):
    """A model whose step is put around that of its gradient (`fastsde.study.terms.rule.Rule`).

    Attributes
    ----------
    carries : int
        Numbers per parameter that a trajectory carries from step to step.
    """

    carries: ClassVar[int] = 0

    @property
    def rule(self) -> Ruled:
        """The model itself: it says what the rule is."""
        return self

    def surround(self, step: Any, setting: Setting) -> Any:
        """Return the kernels' step of the rule around that of the gradient, which may be without noise."""
        raise NotImplementedError(f"{type(self).__name__}.surround")
