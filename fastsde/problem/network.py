"""Deep linear networks in plain numpy: the reference that the compiled kernels are tested against.

The network is ``W = W_L ... W_1``; its parameters form one vector, layer 1 (the input side) first, each
``W_l`` (d_l x d_{l-1}) row by row. The loss is ``c/2 E|Wx - y|^2``. Everything goes through one matrix of the
size of W: with ``R = c (W S - Syx)`` the gradient of layer l is ``W_{>l}^T R W_{<l}^T``, where ``W_{>l}`` and
``W_{<l}`` are the products of the layers after and before it. All functions take leading axes along: an
ensemble ``theta`` of shape (trajectories, p) gives one result a trajectory.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from fastsde.problem.data import Problem

__all__ = ["DeepLinearNetwork"]

Array = NDArray[np.float64]


class DeepLinearNetwork:
    """Loss, derivatives and gradient noise of a deep linear network.

    Parameters
    ----------
    widths : sequence of int
        Sizes of the layers, input first; two or more.
    loss_scale : float, default 1
        The factor c of the loss: 1 for half the sum of squares, ``2/d_out`` for PyTorch's mean.

    Examples
    --------
    >>> network = DeepLinearNetwork([2, 3, 1])
    >>> network.size
    9
    >>> network.end_to_end(np.ones(9))
    array([[3., 3.]])
    """

    def __init__(self, widths: Sequence[int], loss_scale: float = 1.0) -> None:
        self.widths = tuple(widths)
        self.loss_scale = loss_scale
        self.shapes = [(rows, columns) for columns, rows in pairwise(self.widths)]
        self._ends = np.cumsum([rows * columns for rows, columns in self.shapes])

    @property
    def size(self) -> int:
        """Number of parameters p."""
        return int(self._ends[-1])

    def unpack(self, theta: Array) -> list[Array]:
        """Cut (..., p) parameters into layers (..., d_l, d_{l-1}), input side first."""
        pieces = np.split(theta, self._ends[:-1], axis=-1)
        return [
            piece.reshape(*theta.shape[:-1], *shape) for piece, shape in zip(pieces, self.shapes, strict=True)
        ]

    def pack(self, layers: Sequence[Array]) -> Array:
        """Join layers (..., d_l, d_{l-1}) into parameters (..., p)."""
        return np.concatenate([layer.reshape(*layer.shape[:-2], -1) for layer in layers], axis=-1)

    def end_to_end(self, theta: Array) -> Array:
        """Give ``W = W_L ... W_1``; (..., d_out, d_in)."""
        return _before(self.unpack(theta))[-1]

    def residual(self, theta: Array, problem: Problem) -> Array:
        """Give ``R = c (W S - Syx)``, the gradient by the end-to-end matrix; (..., d_out, d_in)."""
        return self.loss_scale * (self.end_to_end(theta) @ problem.covariance - problem.cross)

    def curve(self, matrix: Array, problem: Problem) -> Array:
        """Give the change of the residual by that of the end-to-end matrix, ``c X S``; (..., d_out, d_in)."""
        return self.loss_scale * matrix @ problem.covariance

    def loss(self, theta: Array, problem: Problem) -> Array:
        """Give the loss, ``optimum_loss + c/2 tr(D S D^T)`` with ``D = W - optimum``; (...)."""
        off = (self.end_to_end(theta) - problem.optimum) @ problem.factor
        return np.asarray(problem.optimum_loss + self.loss_scale / 2 * np.sum(off**2, axis=(-2, -1)))

    def push(self, theta: Array, matrix: Array) -> Array:
        """Carry an end-to-end matrix back to the layers, ``W_{>l}^T R W_{<l}^T``; (..., p).

        Linear in `matrix` (..., d_out, d_in): of a residual it gives a gradient, of its noise the noise
        of the gradient of all layers together.
        """
        layers = self.unpack(theta)
        return self.pack(_pushed(matrix, _before(layers), _after(layers)))

    def tangent(self, theta: Array, direction: Array) -> Array:
        """Give the derivative of the end-to-end matrix along `direction`; (..., d_out, d_in)."""
        layers = self.unpack(theta)
        return _derivative_before(layers, self.unpack(direction), _before(layers))[-1]

    def gradient(self, theta: Array, problem: Problem) -> Array:
        """Give the gradient of the loss; (..., p)."""
        return self.push(theta, self.residual(theta, problem))

    def sample_gradients(self, theta: Array, problem: Problem) -> Array:
        """Give the gradient of the loss of each sample alone; (..., n, p).

        Raises
        ------
        ValueError
            For a population, which has no samples to list.
        """
        inputs, errors = self._sample_errors(theta, problem)
        matrices = errors[..., :, None] * inputs[:, None, :]
        return self.push(theta[..., None, :], matrices)

    def hessian_vector(self, theta: Array, direction: Array, problem: Problem) -> Array:
        """Give the Hessian of the loss times `direction`; (..., p).

        The derivative of `gradient` along `direction`, by the product rule: with ``dW`` the change of the
        end-to-end matrix, ``W_{>l}^T (c dW S) W_{<l}^T + dW_{>l}^T R W_{<l}^T + W_{>l}^T R dW_{<l}^T``.
        """
        layers, turns = self.unpack(theta), self.unpack(direction)
        before, after = _before(layers), _after(layers)
        d_before = _derivative_before(layers, turns, before)
        d_after = _derivative_after(layers, turns, after)
        residual = self.residual(theta, problem)
        d_residual = self.curve(d_before[-1], problem)
        terms = zip(
            _pushed(d_residual, before, after),
            _pushed(residual, before, d_after),
            _pushed(residual, d_before, after),
            strict=True,
        )
        return self.pack([one + two + three for one, two, three in terms])

    def noise_trace(self, theta: Array, problem: Problem) -> Array:
        """Give the trace of the covariance of the gradient of one sample drawn at random; (...).

        A batch of B independent samples has this divided by B. For finite data the covariance divides by n;
        no p x p matrix is formed. For a population with inputs ``x = sqrt(tau) g``, ``t2 = E tau^2``::

            c^2 sum_l [ t2 tr(A D S D^T) tr(B S) + (2 t2 - 1) tr(A D S B S D^T) + sigma^2 tr(A) tr(B S) ]

        with ``A = W_{>l} W_{>l}^T`` and ``B = W_{<l}^T W_{<l}``; infinite where no covariance exists.
        """
        if problem.inputs is None:
            return self._population_noise_trace(theta, problem)
        inputs, errors = self._sample_errors(theta, problem)
        layers = self.unpack(theta)
        squares = np.zeros(errors.shape[:-1])
        for after, before in zip(_after(layers), _before(layers)[:-1], strict=True):
            back, forth = errors @ after, inputs @ np.swapaxes(before, -1, -2)
            squares += np.sum(back**2, axis=-1) * np.sum(forth**2, axis=-1)
        mean = np.sum(self.gradient(theta, problem) ** 2, axis=-1)
        return np.asarray(np.maximum(squares.mean(axis=-1) - mean, 0.0))

    def balance(self, theta: Array) -> Array:
        """Give the Frobenius norms of ``W_{l+1}^T W_{l+1} - W_l W_l^T``; (..., L-1), empty at depth 1."""
        gaps = [
            np.swapaxes(outer, -1, -2) @ outer - inner @ np.swapaxes(inner, -1, -2)
            for inner, outer in pairwise(self.unpack(theta))
        ]
        norms = [np.sqrt(np.sum(gap**2, axis=(-2, -1))) for gap in gaps]
        return np.stack(norms, axis=-1) if norms else np.empty((*theta.shape[:-1], 0))

    def _sample_errors(self, theta: Array, problem: Problem) -> tuple[Array, Array]:
        """Give the inputs (n, d_in) and ``c (W x_i - y_i)``, (..., n, d_out)."""
        if problem.inputs is None or problem.labels is None:
            raise ValueError("a population has no list of samples; give data.samples a number")
        outputs = problem.inputs @ np.swapaxes(self.end_to_end(theta), -1, -2)
        return problem.inputs, self.loss_scale * (outputs - problem.labels)

    def _population_noise_trace(self, theta: Array, problem: Problem) -> Array:
        layers = self.unpack(theta)
        if np.isinf(problem.t2) or np.isinf(problem.noise_sd):
            return np.full(theta.shape[:-1], np.inf)
        off = (self.end_to_end(theta) - problem.teacher) @ problem.factor
        total = np.zeros(theta.shape[:-1])
        for after, before in zip(_after(layers), _before(layers)[:-1], strict=True):
            forth, back = before @ problem.factor, np.swapaxes(after, -1, -2) @ off
            spread, backed = np.sum(forth**2, axis=(-2, -1)), np.sum(back**2, axis=(-2, -1))
            both = np.sum((back @ np.swapaxes(forth, -1, -2)) ** 2, axis=(-2, -1))
            labels = problem.noise_sd**2 * np.sum(after**2, axis=(-2, -1)) * spread
            total += problem.t2 * backed * spread + (2 * problem.t2 - 1) * both + labels
        return np.asarray(self.loss_scale**2 * total)


def _eye_like(layer: Array, size: int) -> Array:
    return np.broadcast_to(np.eye(size), (*layer.shape[:-2], size, size))


def _before(layers: Sequence[Array]) -> list[Array]:
    """Give the products of the layers before each, and of all of them last; L + 1 matrices."""
    products = [_eye_like(layers[0], layers[0].shape[-1])]
    for layer in layers:
        products.append(layer @ products[-1])
    return products


def _after(layers: Sequence[Array]) -> list[Array]:
    """Give the products of the layers after each; L matrices."""
    products = [_eye_like(layers[-1], layers[-1].shape[-2])]
    for layer in layers[:0:-1]:
        products.append(products[-1] @ layer)
    return products[::-1]


def _derivative_before(
    layers: Sequence[Array], turns: Sequence[Array], before: Sequence[Array]
) -> list[Array]:
    """Give the derivatives of `_before` along `turns`."""
    changes = [np.zeros_like(before[0])]
    for layer, turn, product in zip(layers, turns, before[:-1], strict=True):
        changes.append(turn @ product + layer @ changes[-1])
    return changes


def _derivative_after(layers: Sequence[Array], turns: Sequence[Array], after: Sequence[Array]) -> list[Array]:
    """Give the derivatives of `_after` along `turns`."""
    changes = [np.zeros_like(after[-1])]
    for layer, turn, product in zip(layers[:0:-1], turns[:0:-1], after[:0:-1], strict=True):
        changes.append(product @ turn + changes[-1] @ layer)
    return changes[::-1]


def _pushed(matrix: Array, before: Sequence[Array], after: Sequence[Array]) -> list[Array]:
    return [
        np.swapaxes(outer, -1, -2) @ matrix @ np.swapaxes(inner, -1, -2)
        for outer, inner in zip(after, before[: len(after)], strict=True)
    ]
