"""What the terms of a refined model, and a schedule, do to drift and diffusion of the modes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastsde.integrate.lowering.refined import drift_step, schedule_of
from fastsde.problem.network import DeepLinearNetwork
from fastsde.study.models import Sde, Sgd

if TYPE_CHECKING:
    from fastsde.problem.data import Problem
    from fastsde.study.models import Model
    from fastsde.study.study import Study

__all__ = ["TermRates"]

Array = NDArray[Any]
ROWS = 256
"""Trajectories whose gradients of modes are held at once."""


class TermRates:
    """Drift and diffusion of the modes beyond what the plain models have.

    The drift is ``grad m_a . b``, b the model's mean displacement per unit time with all its terms. Noise of
    a given covariance C adds ``grad m_a . C grad m_a`` to the diffusion, label noise ``eta sigma^2 / B``
    times the mean over the samples of ``|c M_a x_i|^2``, ``<M_a, R>`` being the slope of the mode along the
    pushed R.
    A schedule of share f multiplies drift by f and diffusion by ``f^(2 p)``, p as the noise itself goes.

    Parameters
    ----------
    study, model, problem
        The study, one of its models, its problem.
    """

    def __init__(self, study: Study, model: Model, problem: Problem) -> None:
        self.network = DeepLinearNetwork(study.widths, problem.loss_scale)
        self.matrices = np.einsum("ia,ja->aij", problem.mode_left, problem.mode_right)
        self.schedule = schedule_of(study, model)
        self.power = model.noise_exponent
        moved = any(term.drift for term, _ in model.terms())
        self.flow = drift_step(study, model) if moved else None
        self.root: Array | None = None
        if isinstance(model, Sde) and model.covariance is not None:
            diagonal, factor = model.covariance.parts()
            self.root = np.hstack([np.diag(diagonal), factor]) if diagonal.size else factor
        self.labels = 0.0
        self.inputs = problem.inputs
        if isinstance(model, Sgd) and model.label_noise is not None:
            scale = model.label_noise * problem.loss_scale
            self.labels = study.time.learning_rate * scale**2 / model.batch

    def share(self, number: int) -> float:
        """Return the learning rate at an integrator step as a share of the nominal one."""
        from fastsde.kernels.steps.scheduled import rate_factor

        return 1.0 if self.schedule is None else float(rate_factor(self.schedule, number))

    def add(self, theta: Array, moved: Array | None, number: int, drift: Array, diffusion: Array) -> None:
        """Complete drift and diffusion of plain models, (rows, modes) each, in place.

        Parameters
        ----------
        theta : (rows, p) array
        moved : (rows, p) array, optional
            Mean displacement per unit time; None where the drift is the gradient alone.
        number : int
            Integrator step.
        """
        share = self.share(number)
        for begin in range(0, len(theta), ROWS):
            rows = slice(begin, begin + ROWS)
            if moved is None and self.root is None and not self.labels:
                break
            points = theta[rows].astype(np.float64)
            slopes = self.network.push(points[None], self.matrices[:, None])
            if moved is not None:
                drift[rows] = np.einsum("anp,np->na", slopes, moved[rows])
            if self.root is not None:
                diffusion[rows] += np.sum((slopes @ self.root) ** 2, axis=-1).T
            if self.labels:
                diffusion[rows] += self.labels * self._label_square(points, slopes)
        if moved is None:
            drift *= share
        diffusion *= share ** (2 * self.power)

    def _label_square(self, theta: Array, slopes: Array) -> Array:
        """Return the mean over the samples of ``|M_a x_i|^2``, (rows, modes)."""
        assert self.inputs is not None
        pushed = self.network.tangent(theta[None], slopes) @ self.inputs.T
        return np.asarray(np.sum(pushed**2, axis=(-2, -1)).T / len(self.inputs))
