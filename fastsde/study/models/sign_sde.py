"""The SDE of signSGD."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from fastsde.study.models.adaptive_sde import AdaptiveSde
from fastsde.study.models.batches import batch_part
from fastsde.study.models.model import MODEL_KINDS
from fastsde.study.setting import Setting
from fastsde.study.terms.rule import innermost, with_innermost, with_unit_step

__all__ = ["SignSde"]


@MODEL_KINDS.register
class SignSde(AdaptiveSde):
    """The SDE of signSGD (Compagnoni et al. 2024), in units of time in which a step takes eta.

    ``d theta = -e dt + sqrt(eta (1 - e^2)) dW``, ``e = erf(grad L / sqrt(2 diag Sigma))`` for each
    parameter: mean and variance of the sign of a normal gradient, whose variance diag Sigma is that of a
    batch. It holds to weak order 1 for small eta, where gradients of batches are normal (large batches) and
    the signs of different parameters uncorrelated (as where Sigma is diagonal).
    """

    synonyms: ClassVar[Mapping[str, str]] = {"sign-sde": 'kind = "signsgd-sde"'}
    order: ClassVar[int] = 56

    kind: Literal["signsgd-sde"] = "signsgd-sde"

    def surround(self, step: Any, setting: Setting) -> Any:
        """Return a step of the SDE, without noise if the step inside has none."""
        from fastsde.kernels.steps import Descent
        from fastsde.kernels.steps import SignSde as Kernel

        noisy = hasattr(innermost(step), "amplitude")
        descent = with_innermost(step, Descent(dense=True, dt=1.0))
        return Kernel(
            dense=True,
            dt=step.dt,
            inner=with_unit_step(descent),
            amplitude=math.sqrt(setting.learning_rate * step.dt) if noisy else 0.0,
            part=batch_part(self, setting.samples or 0),
        )

    def equation(self) -> str:
        """Return the equation of the model, as in docs/models.md."""
        return "d theta = -e dt + (eta (1 - e^2))^(1/2) dW, e = erf(grad U / (2 diag Sigma)^(1/2))"

    def summary(self) -> str:
        """Say in one sentence what the model is."""
        return f"SDE of signSGD with {self.noise_words()}."
