"""The SDE of Adam."""

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

__all__ = ["AdamSde"]


@MODEL_KINDS.register
class AdamSde(AdaptiveSde):
    """The SDE of Adam (Malladi, Lyu, Panigrahi and Arora 2022), in units of time in which a step takes eta.

    ``d theta = -(sqrt(g2) / g1) m / (sqrt(v) + epsilon sqrt(g2)) dt``, ``dm = c1 (grad L - m) dt + c1
    sqrt(eta) Sigma^(1/2) dW``, ``dv = c2 (diag Sigma - v) dt``, with ``c = (1 - beta) / eta``, ``g = 1 -
    exp(-c t)`` of either beta, and Sigma the covariance of a batch's gradient, m and v 0 at first. Theirs is
    the same in the time ``eta t``. It holds to weak order 1 for small eta where noise dominates (``Sigma``
    of order ``eta^-2``) and averages are long (``1 - beta`` of order ``eta^2``).

    Parameters
    ----------
    beta1, beta2, epsilon : float
        Of Adam.
    gradient_square : bool, optional
        ``diag Sigma + (grad L)^2``, the mean of a batch's squared gradient, in place of ``diag Sigma``:
        where noise does not dominate (Compagnoni et al. 2024).
    """

    order: ClassVar[int] = 52
    carries: ClassVar[int] = 2

    kind: Literal["adam-sde"] = "adam-sde"
    beta1: Average = 0.9
    beta2: Average = 0.999
    epsilon: Positive = 1e-8
    gradient_square: Switch = None

    def surround(self, step: Any, setting: Setting) -> Any:
        """Return a step of the SDE around one of SGD's: averages relax exactly, by ``exp(-c dt)``."""
        from fastsde.kernels.steps import AdamSde as Kernel

        return Kernel(
            dense=True,
            dt=step.dt,
            inner=step,
            beta1=math.exp((self.beta1 - 1) / self.substeps),
            beta2=math.exp((self.beta2 - 1) / self.substeps),
            epsilon=self.epsilon,
            corrected=True,
            part=batch_part(self, setting.samples or 0),
            own=bool(self.gradient_square),
            decay=self.weight_decay or 0.0,
        )

    def equation(self) -> str:
        """Return the equation of the model, as in docs/models.md."""
        average = "dm = (1 - beta1)/eta [(grad U - m) dt + eta^(1/2) Sigma^(1/2) dW]"
        return f"d theta = -m / (sqrt(v) + epsilon) dt, {average}"

    def summary(self) -> str:
        """Say in one sentence what the model is."""
        own = ", with the gradient's own square" if self.gradient_square else ""
        numbers = f"beta1 = {self.beta1:g}, beta2 = {self.beta2:g}, epsilon = {self.epsilon:g}{own}"
        return f"SDE of Adam ({numbers}) with {self.noise_words()}."
