"""A deep linear network and its data as an objective."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from fastsde.problem.data import build_problem
from fastsde.problem.initial_points import (
    MATCHED_STARTS,
    AffineStart,
    affine_start,
    balanced_factors,
    start_points,
)
from fastsde.problem.measured import measured_scale
from fastsde.problem.measurements import MeasuredNetwork, measured_data
from fastsde.problem.network import DeepLinearNetwork
from fastsde.problem.objective import OBJECTIVES, Array, Key
from fastsde.problem.saddle_start import SaddleStart

if TYPE_CHECKING:
    from fastsde.problem.data import Problem
    from fastsde.study.objective import ObjectiveTraits
    from fastsde.study.study import Study

__all__ = ["DeepLinearObjective"]


@OBJECTIVES.register
class DeepLinearObjective:
    """The mean squared error of a deep linear network, see `fastsde.problem.objective.Objective`.

    Parameters
    ----------
    study : Study
    problem : Problem, optional
        Built when it is first needed, if not given.
    """

    name: ClassVar[str] = "network"

    def __init__(self, study: Study, problem: Problem | None = None) -> None:
        self._measured = study.objective.measured
        if self._measured:
            scale = measured_scale(study.network.loss)
            self.network: DeepLinearNetwork = MeasuredNetwork(study.network.widths, scale)
        else:
            self.network = DeepLinearNetwork(study.network.widths, study.network.loss_scale)
        self._study, self._problem = study, problem
        self._init, self._dtype = study.network.init, study.dtype

    @property
    def problem(self) -> Problem:
        """Teacher and data."""
        if self._problem is None:
            self._problem = build_problem(self._study)
        return self._problem

    @property
    def traits(self) -> ObjectiveTraits:
        """Sizes, what the objective supports, and its words."""
        return self._study.objective

    @property
    def samples(self) -> int:
        """Number of samples; 0 for a population."""
        return self.traits.samples or 0

    def starting_points(self, normals: Array, first: int = 0) -> Array:
        """Turn standard normals into starting parameters; where a trajectory starts has no number."""
        if self._init.kind == "saddle":
            return self._saddle_start().points(normals)
        return start_points(normals, self._init, self.network.widths)

    def affine_start(self) -> AffineStart | None:
        """Return what `starting_points` does, if it is affine."""
        if self._init.kind == "saddle":
            return self._saddle_start().affine()
        return affine_start(self._init, self.network.widths)

    def _saddle_start(self) -> SaddleStart:
        return SaddleStart(self.network, self.problem, self._init)

    def matching_points(self, where: str, key: Key) -> Array:
        """Return the first starting points, or the balanced factorisation of the optimum."""
        if where == "start":
            from fastsde.kernels.cpu import standard_normals

            normals = standard_normals(self.network.size, 0, MATCHED_STARTS, key, np.float64)
            return self.starting_points(normals)
        hidden = [np.eye(width) for width in self.network.widths[1:-1]]
        factors = balanced_factors(self.problem.optimum, hidden)
        return np.asarray(self.network.pack([np.asarray(factor) for factor in factors]), dtype=np.float64)

    def loss(self, points: Array) -> Array:
        """Return the loss."""
        return self.network.loss(points, self.problem)

    def gradient(self, points: Array) -> Array:
        """Return the gradient."""
        return self.network.gradient(points, self.problem)

    def sample_gradients(self, points: Array) -> Array | None:
        """Return the gradient of each sample's loss; None for a population."""
        return None if not self.samples else self.network.sample_gradients(points, self.problem)

    def noise_trace(self, points: Array) -> Array | None:
        """Return the trace of the covariance of one sample's gradient; infinite where there is none."""
        return self.network.noise_trace(points, self.problem)

    def kernel_data(self) -> Any:
        """Return the data as the kernels take them."""
        from fastsde.kernels.layout import Data

        problem = self.problem
        if self._measured:
            return measured_data(problem, self._dtype)
        d_out, d_in = problem.optimum.shape
        inputs = np.empty((0, d_in)) if problem.inputs is None else problem.inputs
        labels = np.empty((0, d_out)) if problem.labels is None else problem.labels
        return Data(
            inputs=self._cast(inputs),
            labels=self._cast(labels),
            rows=self._cast(np.pad(np.hstack([inputs, labels]), ((0, 0), (0, -(d_in + d_out) % 4)))),
            noise=self._cast(labels - inputs @ problem.optimum.T),
            optimum=self._cast(problem.optimum),
            covariance=self._cast(problem.covariance),
            factor=self._cast(problem.factor),
            factor_transposed=self._cast(problem.factor.T),
            white=problem.white,
            scale=problem.loss_scale,
            floor=problem.optimum_loss if math.isfinite(problem.optimum_loss) else 0.0,
            label_sd=problem.noise_sd if math.isfinite(problem.noise_sd) else 0.0,
            spread=problem.t2 if math.isfinite(problem.t2) else 1.0,
        )

    def _cast(self, array: Array) -> Array:
        return np.ascontiguousarray(array, dtype=self._dtype)
