"""A network that learns from measurements of its end-to-end matrix (`fastsde.problem.measured`)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastsde.problem.data import Problem
from fastsde.problem.measured import seen
from fastsde.problem.network import DeepLinearNetwork

__all__ = ["MeasuredNetwork", "measured_data"]

Array = NDArray[np.float64]


def _density(problem: Problem) -> Array | None:
    """Return the diagonal of ``E vec(A) vec(A)^T`` as a matrix where it is diagonal; else None."""
    if problem.entries is not None:
        counts = np.bincount(problem.entries, minlength=problem.teacher.size)
        return (counts / len(problem.entries)).reshape(problem.teacher.shape)
    return np.ones(problem.teacher.shape) if problem.matrices is None else None


def _seen(problem: Problem, matrix: Array) -> Array:
    """Return ``<A_i, X>`` of each sample; (..., n)."""
    return seen(problem.entries, problem.matrices, matrix)


def measured_data(problem: Problem, dtype: Any) -> Any:
    """Return measurements as the kernels take them."""
    from fastsde.kernels.layout import Measurements

    size, density = problem.optimum.size, _density(problem)
    none = np.empty(0, np.int64)
    entries = none if problem.entries is None else problem.entries
    labels = np.empty(0) if problem.measured is None else problem.measured
    expected = _seen(problem, problem.optimum) if len(labels) else labels
    flat = np.empty((len(labels), 0)) if problem.matrices is None else problem.matrices.reshape(-1, size)
    floats = {
        "inputs": flat,
        "labels": labels[:, None],
        "noise": labels - expected,
        "density": np.empty(0) if density is None else density.ravel(),
        "optimum": problem.optimum,
    }
    return Measurements(
        **{name: np.ascontiguousarray(array, dtype=dtype) for name, array in floats.items()},
        entries=entries,
        first=np.searchsorted(entries, np.arange(size + 1)) if len(entries) else none,
        scale=problem.loss_scale,
        floor=problem.optimum_loss if math.isfinite(problem.optimum_loss) else 0.0,
        label_sd=problem.noise_sd if math.isfinite(problem.noise_sd) else 0.0,
    )


class MeasuredNetwork(DeepLinearNetwork):
    """The same of a network that learns from measurements of its end-to-end matrix."""

    def curve(self, matrix: Array, problem: Problem) -> Array:
        """Return ``c E <A, X> A``; (..., d_out, d_in)."""
        density = _density(problem)
        if density is not None:
            return self.loss_scale * density * matrix
        assert problem.matrices is not None
        seen = _seen(problem, matrix) / len(problem.matrices)
        return np.asarray(self.loss_scale * np.einsum("...n,nij->...ij", seen, problem.matrices))

    def residual(self, theta: Array, problem: Problem) -> Array:
        """Return ``R = c E <A, D> A``."""
        return self.curve(self.end_to_end(theta) - problem.optimum, problem)

    def loss(self, theta: Array, problem: Problem) -> Array:
        """Return the loss, ``optimum_loss + 1/2 <D, R>``."""
        off = self.end_to_end(theta) - problem.optimum
        return np.asarray(problem.optimum_loss + np.sum(off * self.curve(off, problem), axis=(-2, -1)) / 2)

    def sample_gradients(self, theta: Array, problem: Problem) -> Array:
        """Return the gradient of each sample's loss; (..., n, p)."""
        errors = self._errors(theta, problem)
        return self.push(theta[..., None, :], errors[..., None, None] * self._matrices(problem))

    def noise_trace(self, theta: Array, problem: Problem) -> Array:
        """Return the trace of the covariance of the gradient of one sample."""
        if np.isinf(problem.noise_sd):
            return np.full(theta.shape[:-1], np.inf)
        mean = np.sum(self.gradient(theta, problem) ** 2, axis=-1)
        if problem.matrices is not None:
            squares = np.sum(self.push(theta[..., None, :], problem.matrices) ** 2, axis=-1)
            return np.asarray(np.mean(self._errors(theta, problem) ** 2 * squares, axis=-1) - mean)
        gains = self._gains(theta)
        if problem.measured is not None:
            squares = self._errors(theta, problem) ** 2 * _seen(problem, gains)
            return np.asarray(np.mean(squares, axis=-1) - mean)
        off = self.end_to_end(theta) - problem.optimum
        square, label = self.loss_scale**2, problem.noise_sd**2
        if problem.entries is not None:
            total = np.sum(_density(problem) * (off**2 + label) * gains, axis=(-2, -1))
            return np.asarray(square * total - mean)
        size = np.sum(off**2, axis=(-2, -1)) + label
        return np.asarray(square * size * np.sum(gains, axis=(-2, -1)) + mean)

    def _matrices(self, problem: Problem) -> Array:
        """Return the A_i, (n, d_out, d_in)."""
        if problem.entries is None:
            assert problem.matrices is not None
            return problem.matrices
        return np.eye(problem.teacher.size)[problem.entries].reshape(-1, *problem.teacher.shape)

    def _errors(self, theta: Array, problem: Problem) -> Array:
        """Return ``c (<A_i, W> - y_i)``; (..., n)."""
        if problem.measured is None:
            raise ValueError("a population has no list of samples; give data.samples a number")
        return self.loss_scale * (_seen(problem, self.end_to_end(theta)) - problem.measured)

    def _gains(self, theta: Array) -> Array:
        """Return ``|push(E)|^2`` of each matrix E of one entry; (..., d_out, d_in)."""
        unit = np.eye(self.widths[0] * self.widths[-1]).reshape(-1, self.widths[-1], self.widths[0])
        pushed = self.push(theta[..., None, :], unit)
        squares = np.sum(pushed**2, axis=-1)
        return np.asarray(squares.reshape(*theta.shape[:-1], self.widths[-1], self.widths[0]))
