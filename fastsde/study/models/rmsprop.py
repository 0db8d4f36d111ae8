"""RMSProp."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from fastsde.study.fields import Positive
from fastsde.study.models.adaptive import Adaptive
from fastsde.study.models.drifting import Switch
from fastsde.study.models.model import MODEL_KINDS
from fastsde.study.models.ruled import Average
from fastsde.study.setting import Setting
from fastsde.study.terms.rule import with_unit_step

__all__ = ["Rmsprop"]


@MODEL_KINDS.register
class Rmsprop(Adaptive):
    """RMSProp (Tieleman and Hinton 2012).

    Parameters
    ----------
    beta : float, default 0.99
        Of ``v <- beta v + (1 - beta) g^2``, 0 at first.
    epsilon : float, default 1e-8
        Of ``theta <- theta - eta g / (sqrt(v) + epsilon)``, with the v of the same step, as in PyTorch.
    bias_correction : bool, optional
        Divides v by ``1 - beta^k`` at step k = 1, 2, ..., so that the first steps are not ``(1 -
        beta)^(-1/2)`` times too long: Adam with ``beta1 = 0``.
    """

    order: ClassVar[int] = 24
    carries: ClassVar[int] = 2  # as Adam, of which it is a case

    kind: Literal["rmsprop"] = "rmsprop"
    beta: Average = 0.99
    epsilon: Positive = 1e-8
    bias_correction: Switch = None

    def surround(self, step: Any, setting: Setting) -> Any:
        """Return a step of RMSProp along a gradient: one of Adam without its first average."""
        from fastsde.kernels.steps import Adam as Kernel

        return Kernel(
            dense=step.dense,
            dt=step.dt,
            inner=with_unit_step(step),
            beta1=0.0,
            beta2=self.beta,
            epsilon=self.epsilon,
            corrected=bool(self.bias_correction),
            decay=0.0,
        )

    def equation(self) -> str:
        """Return the equation of the model, as in docs/models.md."""
        return "v <- beta v + (1 - beta) g^2, theta <- theta - eta g / (sqrt(v) + epsilon)"

    def summary(self) -> str:
        """Say in one sentence what the model is."""
        corrected = ", bias corrected" if self.bias_correction else ""
        numbers = f"beta = {self.beta:g}, epsilon = {self.epsilon:g}{corrected}"
        return f"RMSProp ({numbers}) with {self.gradient_words()}."
