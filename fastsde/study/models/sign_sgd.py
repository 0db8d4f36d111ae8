"""signSGD."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from fastsde.study.models.adaptive import Adaptive
from fastsde.study.models.model import MODEL_KINDS
from fastsde.study.models.ruled import Average
from fastsde.study.setting import Setting
from fastsde.study.terms.rule import with_unit_step

__all__ = ["SignSgd"]


@MODEL_KINDS.register
class SignSgd(Adaptive):
    """signSGD, and Signum with momentum (Bernstein et al. 2018).

    Parameters
    ----------
    beta : float, default 0
        Of ``m <- beta m + (1 - beta) g`` and ``theta <- theta - eta sign(m)``, m 0 at first; without it, m
        is g. The sign of 0 is 0.
    """

    synonyms: ClassVar[Mapping[str, str]] = {
        "sign": 'kind = "signsgd"',
        "sign-sgd": 'kind = "signsgd"',
        "signum": 'kind = "signsgd", beta = 0.9',
    }
    order: ClassVar[int] = 26
    carries: ClassVar[int] = 1

    kind: Literal["signsgd"] = "signsgd"
    beta: Average = 0.0

    def surround(self, step: Any, setting: Setting) -> Any:
        """Return a step along the signs of a gradient."""
        from fastsde.kernels.steps import Signs

        return Signs(step.dense, step.dt, with_unit_step(step), self.beta)

    def equation(self) -> str:
        """Return the equation of the model, as in docs/models.md."""
        return (
            "theta <- theta - eta sign(m), m <- beta m + (1 - beta) g"
            if self.beta
            else "theta <- theta - eta sign(g)"
        )

    def summary(self) -> str:
        """Say in one sentence what the model is."""
        name = f"Signum (beta = {self.beta:g})" if self.beta else "signSGD"
        return f"{name} with {self.gradient_words()}."
