"""Gradient descent, and gradient flow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar, Literal

from pydantic import model_validator

from fastsde.study.fields import Count, Fault, refuse
from fastsde.study.models.drifting import DriftingModel, Switch
from fastsde.study.models.model import MODEL_KINDS
from fastsde.study.models.population import moment_faults
from fastsde.study.setting import Setting, Where
from fastsde.study.terms.momentum import MomentumShare, nesterov_faults

__all__ = ["GradientDescent"]


@MODEL_KINDS.register
class GradientDescent(DriftingModel):
    """Full gradient descent; with many `substeps`, an approximation of gradient flow.

    Parameters
    ----------
    substeps : int, default 1
        Steps in one learning rate. 1 is gradient descent itself.
    momentum, nesterov : float, bool, optional
        As for `Sgd`; only with one substep.
    """

    synonyms: ClassVar[Mapping[str, str]] = {
        "gradient-descent": 'kind = "gd"',
        "gradient-flow": 'kind = "gd", substeps = 8',
        "flow": 'kind = "gd", substeps = 8',
    }
    hints: ClassVar[Mapping[str, str]] = {"dt": "set substeps in its place: dt = learning_rate / substeps"}
    order: ClassVar[int] = 10
    noisy: ClassVar[bool] = False
    has_mode_rates: ClassVar[bool] = True

    kind: Literal["gd"] = "gd"
    substeps: Count = 1
    momentum: MomentumShare = None
    nesterov: Switch = None

    @model_validator(mode="after")
    def _agree(self) -> GradientDescent:
        refuse([*nesterov_faults(self), *self.clashes()])
        return self

    def not_shared(self) -> str:
        """Say which term ties the step to the learning rate; empty if none."""
        return next(filter(None, (term.not_shared(value) for term, value in self.terms())), "")

    def faults(self, setting: Setting, where: Where) -> Iterator[Fault]:
        """Refuse populations without a gradient, and check the terms."""
        yield from moment_faults(self, setting, where)
        yield from super().faults(setting, where)

    def equation(self) -> str:
        """Return the equation of the model, as in docs/models.md."""
        return "theta <- theta - eta grad U" if self.substeps == 1 else "d theta = -grad U dt"

    def summary(self) -> str:
        """Say in one sentence what the model is."""
        terms = "".join(f" with {words}" for words in self.other_words()) + self.drift_words()
        if self.substeps == 1:
            steps = "steps of one learning rate down the full gradient, without noise"
            return f"Gradient descent{terms}: {steps}."
        return f"Gradient flow{terms}, without noise: Euler steps of 1/{self.substeps} of the learning rate."
