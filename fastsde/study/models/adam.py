"""Adam."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from fastsde.study.fields import Positive
from fastsde.study.models.adaptive import Adaptive
from fastsde.study.models.model import MODEL_KINDS
from fastsde.study.models.ruled import Average
from fastsde.study.setting import Setting
from fastsde.study.terms.rule import with_unit_step

__all__ = ["Adam"]


@MODEL_KINDS.register
class Adam(Adaptive):
    """Adam (Kingma and Ba 2015), with bias correction; AdamW with `decoupled_weight_decay`.

    Parameters
    ----------
    beta1, beta2 : float
        Of ``m <- beta1 m + (1 - beta1) g`` and ``v <- beta2 v + (1 - beta2) g^2``, both 0 at first.
    epsilon : float, default 1e-8
        Of ``theta <- theta - eta m^ / (sqrt(v^) + epsilon)``, ``m^ = m / (1 - beta1^k)``, ``v^ = v / (1 -
        beta2^k)`` at step k = 1, 2, ...
    decoupled_weight_decay : float, optional
        lambda of ``theta <- theta - eta lambda theta`` beside it (Loshchilov and Hutter 2019).
    """

    order: ClassVar[int] = 22
    carries: ClassVar[int] = 2

    kind: Literal["adam"] = "adam"
    beta1: Average = 0.9
    beta2: Average = 0.999
    epsilon: Positive = 1e-8
    decoupled_weight_decay: Positive | None = None

    def surround(self, step: Any, setting: Setting) -> Any:
        """Return a step of Adam along a gradient."""
        from fastsde.kernels.steps import Adam as Kernel

        return Kernel(
            dense=step.dense,
            dt=step.dt,
            inner=with_unit_step(step),
            beta1=self.beta1,
            beta2=self.beta2,
            epsilon=self.epsilon,
            corrected=True,
            decay=self.decoupled_weight_decay or 0.0,
        )

    def equation(self) -> str:
        """Return the equation of the model, as in docs/models.md."""
        return "theta <- theta - eta m / (sqrt(v) + epsilon), m and v the corrected averages of g and g^2"

    def summary(self) -> str:
        """Say in one sentence what the model is.

        Examples
        --------
        >>> Adam(batch=2, sampling="replacement").summary()
        'Adam (beta1 = 0.9, beta2 = 0.999, epsilon = 1e-08) with batches of 2, drawn with replacement.'
        """
        numbers = f"beta1 = {self.beta1:g}, beta2 = {self.beta2:g}, epsilon = {self.epsilon:g}"
        decay = self.decoupled_weight_decay
        words = "" if decay is None else f"; decoupled weight decay {decay:g}"
        return f"Adam ({numbers}) with {self.gradient_words()}{words}."
