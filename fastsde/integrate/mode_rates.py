"""Drift and diffusion of every mode, exactly from the state: what a snapshot records of the dynamics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastsde.integrate.lowering import batch_share
from fastsde.integrate.term_rates import TermRates
from fastsde.study.models import GradientDescent, Sde

if TYPE_CHECKING:
    from fastsde.integrate.lowering import Lowered
    from fastsde.problem.data import Problem
    from fastsde.study.models import Model
    from fastsde.study.study import Study

__all__ = ["ModeRates"]

Array = NDArray[Any]


class ModeRates:
    """Drift and diffusion of the modes ``m_a = u_a^T W v_a`` under one model.

    The drift is that of gradient flow, ``-sum_l u_a^T W_{>l} W_{>l}^T R W_{<l}^T W_{<l} v_a``; further terms
    of the drift, noise of a given covariance, label noise and schedules add what
    `fastsde.integrate.term_rates.TermRates` says. The diffusion is the variance that the model's noise gives
    the mode in one unit of time (of operational time in fractional time), to first order in the step:

    - SGD, and an SDE with the gradient's noise: ``eta Var(gradient of a batch, pushed onto the mode)``;
    - isotropic noise of temperature T: ``2 T |grad m_a|^2``;
    - noise of anisotropy a between the two: their shares a and 1 - a, NaN where eigenvectors are turned;
    - gradient descent: 0.

    Stable noise has no variance; the number, of truncated noise too, is that of the same noise with normal
    numbers in place of the stable ones (``A_0 = 1``). Jumps leave the covariance as it is. Where one sample's
    gradient has no covariance at all it is NaN. Both are NaN for kinds of model that are not fastsde's own,
    whose steps may change the gradient as well, and for noise of `fastsde.study.state_noise`.

    Parameters
    ----------
    study, model, problem, lowered
        The study, one of its models, its problem and the model for the kernels.
    """

    def __init__(self, study: Study, model: Model, problem: Problem, lowered: Lowered) -> None:
        from fastsde.kernels.observe import NO_TRACE
        from fastsde.kernels.rates import FINITE_RATES, NO_RATES, POPULATION_RATES, rates_scratch

        self.lowered = lowered
        self.modes = len(problem.mode_strength)
        self.noise, self.factor, self.isotropic, self.local = NO_RATES, 0.0, 0.0, False
        eta = study.time.learning_rate
        self.known = model.has_mode_rates and getattr(model, "form", None) is None
        if not self.known:
            self.factor = float("nan")
        elif isinstance(model, Sde) and model.noise == "isotropic":
            self.local = model.match_at == "local"
            size = lowered.network.parameters
            self.isotropic = (
                eta * batch_share(model, problem) / size
                if self.local
                else 2.0 * float(lowered.attributes["temperature"])
            )
        elif not isinstance(model, GradientDescent) and getattr(model, "noise", None) != "given":
            self.noise = FINITE_RATES if problem.inputs is not None else POPULATION_RATES
            degree = model.degree if isinstance(model, Sde) else 1.0
            whole = eta * batch_share(model, problem)
            self.factor, self.local = degree * whole, degree < 1
            self.isotropic = (1.0 - degree) * whole / lowered.network.parameters
            if degree > 0 and getattr(model, "rotated", None):
                self.factor = float("nan")
            if lowered.trace == NO_TRACE:
                self.factor = float("nan")
        samples = 0 if problem.inputs is None else len(problem.inputs)
        self.terms = TermRates(study, model, problem)
        self.room = rates_scratch(study.network.widths, samples)

    def measure(
        self, theta: Array, trace: Array, number: int = 0, moved: Array | None = None
    ) -> tuple[Array, Array]:
        """Return drift and diffusion, (rows, modes) each.

        Parameters
        ----------
        theta : (rows, p) array
        trace : (rows,) array
            Trace of the covariance of one sample's gradient; used where the temperature follows it.
        number : int, default 0
            Integrator step, for a schedule.
        moved : (rows, p) array, optional
            Displacement by ``terms.flow``, for a drift besides the gradient.
        """
        from fastsde.kernels.rates import mode_rates

        low, modes = self.lowered, self.modes
        out = np.empty((len(theta), 3 * modes))
        scratch = np.empty(self.room)
        rows = np.ascontiguousarray(theta)
        with np.errstate(invalid="ignore", over="ignore"):  # diverged trajectories
            mode_rates(
                rows,
                low.network.widths,
                low.events.left,
                low.events.right,
                self.noise,
                low.data,
                scratch,
                out,
            )
            heat = self.isotropic * trace[:, None] if self.local else self.isotropic
            drift = out[:, :modes]
            diffusion = self.factor * out[:, modes : 2 * modes] + heat * out[:, 2 * modes :]
            self.terms.add(theta, moved, number, drift, diffusion)
            if not self.known:
                drift.fill(np.nan)
            return drift.astype(theta.dtype), diffusion.astype(theta.dtype)
