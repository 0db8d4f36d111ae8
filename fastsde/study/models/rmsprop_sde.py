"""The SDE of RMSProp."""

from __future__ import annotations

import math
from typing import Any, ClassVar, Literal

from fastsde.study.fields import Positive
from fastsde.study.models.adaptive_sde import AdaptiveSde
from fastsde.study.models.batches import batch_part
from fastsde.study.models.drifting import Switch
from fastsde.study.models.model import MODEL_KINDS
from fastsde.study.models.ruled import Average
from fastsde.study.setting import Setting

__all__ = ["RmspropSde"]


@MODEL_KINDS.register
class RmspropSde(AdaptiveSde):
    """The SDE of RMSProp (Malladi, Lyu, Panigrahi and Arora 2022), in the time in which a step takes eta.

    ``d theta = -(grad L dt + sqrt(eta) Sigma^(1/2) dW) / (sqrt(v) + epsilon)``, ``dv = c (diag Sigma - v)
    dt``, ``c = (1 - beta) / eta``, Sigma the covariance of a batch's gradient, v 0 at first. Theirs is the
    same in the time ``eta t``. It holds to weak order 1 for small eta where noise dominates (``Sigma`` of
    order ``eta^-2``) and averages are long (``1 - beta`` of order ``eta^2``).

    Parameters
    ----------
    beta, epsilon : float
        Of RMSProp.
    bias_correction : bool, default true
        Divides v by ``1 - exp(-c t)``. Without it the noise diverges at the start, where v is 0.
    gradient_square : bool, optional
        ``diag Sigma + (grad L)^2``, the mean of a batch's squared gradient, in place of ``diag Sigma``:
        where noise does not dominate (Compagnoni et al. 2024).
    """

    order: ClassVar[int] = 54
    carries: ClassVar[int] = 2  # as that of Adam, of which it is a case

    kind: Literal["rmsprop-sde"] = "rmsprop-sde"
    beta: Average = 0.99
    epsilon: Positive = 1e-8
    bias_correction: Switch = True
    gradient_square: Switch = None

    def surround(self, step: Any, setting: Setting) -> Any:
        """Return a step of the SDE around one of SGD's: v relaxes exactly, by ``exp(-c dt)``."""
        from fastsde.kernels.steps import AdamSde as Kernel

        return Kernel(
            dense=True,
            dt=step.dt,
            inner=step,
            beta1=0.0,
            beta2=math.exp((self.beta - 1) / self.substeps),
            epsilon=self.epsilon,
            corrected=bool(self.bias_correction),
            part=batch_part(self, setting.samples or 0),
            own=bool(self.gradient_square),
            decay=self.weight_decay or 0.0,
        )

    def equation(self) -> str:
        """Return the equation of the model, as in docs/models.md."""
        return "d theta = -(grad U dt + eta^(1/2) Sigma^(1/2) dW) / (sqrt(v) + epsilon)"

    def summary(self) -> str:
        """Say in one sentence what the model is."""
        own = ", with the gradient's own square" if self.gradient_square else ""
        corrected = ", bias corrected" if self.bias_correction else ""
        numbers = f"beta = {self.beta:g}, epsilon = {self.epsilon:g}{corrected}{own}"
        return f"SDE of RMSProp ({numbers}) with {self.noise_words()}."
