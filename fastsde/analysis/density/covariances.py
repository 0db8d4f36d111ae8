"""Covariances of the noise of a model at given points, in NumPy, from the objective of its study."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

import numpy as np

from fastsde.analysis.protocols import Floats
from fastsde.problem.objective import Objective
from fastsde.problem.user import noise_address
from fastsde.study.study import Study

__all__ = ["SHAPES", "function_root", "gradient_covariance", "hessian", "scaled_to"]

SPACING = 0.002
"""Spacing of differences, as in the compiled noise of landscapes."""
AT_ONCE = 2048
"""Points at which the gradients of all samples are held."""


def hessian(objective: Objective, points: Floats) -> Floats:
    """Return the Hessian at every point, shape (n, d, d), by differences of fourth order of the gradient."""
    dimension = points.shape[1]
    columns = []
    for axis in range(dimension):
        shift = SPACING * np.eye(dimension)[axis]
        near = objective.gradient(points + shift) - objective.gradient(points - shift)
        far = objective.gradient(points + 2 * shift) - objective.gradient(points - 2 * shift)
        columns.append((8 * near - far) / (12 * SPACING))
    found = np.stack(columns, axis=2)
    return np.asarray((found + np.swapaxes(found, 1, 2)) / 2)


def gradient_covariance(objective: Objective, points: Floats) -> Floats:
    """Return the covariance of one sample's gradient, divisor n, at every point, shape (n, d, d)."""
    parts = []
    for first in range(0, len(points), AT_ONCE):
        gradients = objective.sample_gradients(points[first : first + AT_ONCE])
        assert gradients is not None
        centred = np.asarray(gradients, np.float64) - gradients.mean(axis=1, keepdims=True)
        parts.append(np.einsum("nsi,nsj->nij", centred, centred) / centred.shape[1])
    return np.concatenate(parts)


def function_root(study: Study, model: Any, rank: int) -> Callable[[Floats], Floats]:
    """Return the user's function of noise for many points: from (n, d) to the matrices B, (n, d, rank)."""
    pointer = ctypes.POINTER(ctypes.c_double)
    kind = ctypes.CFUNCTYPE(None, pointer, pointer, ctypes.c_int64, ctypes.c_int64)
    call = kind(noise_address(study, model))

    def root(points: Floats) -> Floats:
        points = np.ascontiguousarray(points, dtype=np.float64)
        matrices = np.zeros((*points.shape, rank))
        for point, matrix in zip(points, matrices, strict=True):
            call(point.ctypes.data_as(pointer), matrix.ctypes.data_as(pointer), len(point), rank)
        return matrices

    return root


def scaled_to(trace: float | None, matrices: Floats) -> Floats:
    """Scale matrices (n, d, d) to a trace; None leaves them. Where a matrix is 0 it stays 0."""
    if trace is None:
        return matrices
    own = np.trace(matrices, axis1=1, axis2=2)
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = np.where(own > 0, trace / own, 0.0)
    return np.asarray(matrices * factor[:, None, None])


def _isotropic(values: Floats, dimension: int) -> Floats:
    return np.asarray(values[:, None, None] * np.eye(dimension))


def _positive(matrices: Floats) -> Floats:
    values, vectors = np.linalg.eigh(matrices)
    return np.asarray((vectors * np.maximum(values, 0.0)[:, None, :]) @ np.swapaxes(vectors, 1, 2))


def _leading(matrices: Floats) -> Floats:
    values, vectors = np.linalg.eigh(matrices)
    top = vectors[:, :, -1]
    return np.asarray(np.maximum(values[:, -1], 0.0)[:, None, None] * top[:, :, None] * top[:, None, :])


def _above(objective: Objective, points: Floats, model: Any) -> Floats:
    return np.maximum(np.asarray(objective.loss(points), np.float64) - (model.floor or 0.0), 0.0)


def _loss(objective: Objective, model: Any, points: Floats) -> Floats:
    return _isotropic(_above(objective, points, model), points.shape[1])


def _hessian(objective: Objective, model: Any, points: Floats) -> Floats:
    return _positive(hessian(objective, points))


def _loss_hessian(objective: Objective, model: Any, points: Floats) -> Floats:
    return _hessian(objective, model, points) * _above(objective, points, model)[:, None, None]


def _hessian_leading(objective: Objective, model: Any, points: Floats) -> Floats:
    return _leading(hessian(objective, points))


def _multiplicative(objective: Objective, model: Any, points: Floats) -> Floats:
    return np.asarray(points[:, :, None] ** 2 * np.eye(points.shape[1]))


def _gradient(objective: Objective, model: Any, points: Floats) -> Floats:
    return gradient_covariance(objective, points)


def _gradient_diagonal(objective: Objective, model: Any, points: Floats) -> Floats:
    return np.asarray(gradient_covariance(objective, points) * np.eye(points.shape[1]))


def _gradient_leading(objective: Objective, model: Any, points: Floats) -> Floats:
    return _leading(gradient_covariance(objective, points))


SHAPES: dict[str, Callable[[Objective, Any, Floats], Floats]] = {
    "loss": _loss,
    "hessian": _hessian,
    "loss-hessian": _loss_hessian,
    "hessian-leading": _hessian_leading,
    "multiplicative": _multiplicative,
    "gradient": _gradient,
    "gradient-diagonal": _gradient_diagonal,
    "gradient-leading": _gradient_leading,
}
"""The covariance of each noise that follows the state, before its factor, shape (n, d, d)."""
