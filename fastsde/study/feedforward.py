"""Feed-forward networks by NumPy: outputs, losses, and the exact Hessian of the loss times directions.

For what is measured at snapshots, and for teachers; trajectories are integrated by the compiled kernels.
Parameters are rows, (..., p): layer 1 first, of each layer the matrix row by row, then its biases.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["ACTIVATIONS", "Activation", "Feedforward", "Layer", "MeanLoss", "Misfit", "sample_losses"]

Array = NDArray[np.float64]
Misfit = Literal["squared", "cross-entropy"]


class Activation(NamedTuple):
    """A function of a unit's input with two derivatives, and its degree where it is homogeneous.

    Homogeneous of degree r: ``f(a z) = a^r f(z)`` for a > 0, so that ``z f'(z) = r f(z)``.
    """

    value: Callable[[Array], Array]
    slope: Callable[[Array], Array]
    bend: Callable[[Array], Array]
    degree: int | None


def _erf(z: Array) -> Array:
    from scipy.special import erf

    return np.asarray(erf(z))


def _density(z: Array) -> Array:
    return np.asarray(np.exp(-0.5 * z * z) / math.sqrt(2 * math.pi))


def _bell(z: Array) -> Array:
    return np.asarray(np.exp(-z * z) / math.sqrt(math.pi))


def _share_below(z: Array) -> Array:
    """Return the distribution function of a standard normal."""
    return 0.5 * (1.0 + _erf(z / math.sqrt(2)))


ACTIVATIONS: dict[str, Activation] = {
    "linear": Activation(lambda z: z, np.ones_like, np.zeros_like, 1),
    "tanh": Activation(
        np.tanh, lambda z: 1 - np.tanh(z) ** 2, lambda z: -2 * np.tanh(z) * (1 - np.tanh(z) ** 2), None
    ),
    "relu": Activation(lambda z: np.maximum(z, 0.0), lambda z: (z > 0).astype(float), np.zeros_like, 1),
    "gelu": Activation(
        lambda z: z * _share_below(z),
        lambda z: _share_below(z) + z * _density(z),
        lambda z: _density(z) * (2 - z * z),
        None,
    ),
    "quadratic": Activation(lambda z: z * z, lambda z: 2 * z, lambda z: np.full_like(z, 2.0), 2),
    "erf": Activation(_erf, lambda z: 2 * _bell(z), lambda z: -4 * z * _bell(z), None),
}
"""Activations by name; ``gelu(z) = z P(xi < z)`` with a standard normal xi."""


class MeanLoss(NamedTuple):
    """``factor`` times the mean over examples of `sample_losses`."""

    inputs: Array  # (n, inputs)
    labels: Array  # (n, outputs)
    misfit: Misfit
    factor: float = 1.0


class Layer(NamedTuple):
    """Weights (..., above, below) and biases (..., above) of a layer."""

    weights: Array
    biases: Array


class _Pass(NamedTuple):
    """What forward propagation leaves: the inputs of the layers, and those of their units."""

    below: list[Array]
    units: list[Array]


@dataclass(frozen=True)
class Feedforward:
    """``x -> s_L W_L f(... f(s_1 W_1 x + b_1) ...) + b_L``, for rows of parameters.

    Parameters
    ----------
    widths : tuple of int
        Input first.
    activation : str
        f, a key of `ACTIVATIONS`.
    biases : bool
    scales : tuple of float, optional
        s, one per layer; all 1 by default.

    Examples
    --------
    >>> network = Feedforward((2, 1), "linear", biases=True)
    >>> network.outputs(np.array([[1.0, 2.0, 0.5]]), np.array([[1.0, 1.0]]))
    array([[[3.5]]])
    """

    widths: tuple[int, ...]
    activation: str
    biases: bool = False
    scales: tuple[float, ...] = ()

    @property
    def parameters(self) -> int:
        """Number of parameters p."""
        return sum((below + self.biases) * above for below, above in pairwise(self.widths))

    def layers(self, rows: Array) -> list[Layer]:
        """Cut rows of parameters, (..., p), into the weights and biases of each layer."""
        found, at, shape = [], 0, rows.shape[:-1]
        for below, above in pairwise(self.widths):
            weights = rows[..., at : at + above * below].reshape(*shape, above, below)
            at += above * below
            biases = rows[..., at : at + above] if self.biases else np.zeros((*shape, above))
            at += above if self.biases else 0
            found.append(Layer(weights, biases))
        return found

    def outputs(self, rows: Array, inputs: Array) -> Array:
        """Return the outputs (rows, n, outputs) for parameters (rows, p) and inputs (n, inputs)."""
        return self._forward(self.layers(rows), inputs).units[-1]

    def hessian_product(self, rows: Array, directions: Array, loss: MeanLoss) -> Array:
        """Return the Hessian of a mean loss at `rows`, (rows, p), times `directions` of the same shape.

        The derivative of back-propagation along the direction (Pearlmutter 1994): exact up to rounding. Where
        the activation has a kink (relu) it is the Hessian of the smooth pieces.
        """
        layers, moved = self.layers(rows), self.layers(directions)
        passed = self._forward(layers, loss.inputs)
        change = self._forward_change(layers, moved, passed)
        back, turned = _curved(passed.units[-1], change.units[-1], loss)
        share = loss.factor / len(loss.inputs)
        return self._backward_change(layers, moved, passed, change, (back * share, turned * share))

    def _scale(self, layer: int) -> float:
        return self.scales[layer] if self.scales else 1.0

    def _forward(self, layers: list[Layer], inputs: Array) -> _Pass:
        value = ACTIVATIONS[self.activation].value
        below = [np.broadcast_to(inputs, (*layers[0].biases.shape[:-1], *inputs.shape))]
        units: list[Array] = []
        for number, (weights, biases) in enumerate(layers):
            if number:
                below.append(value(units[-1]))
            units.append(self._scale(number) * (below[-1] @ _turn(weights)) + biases[..., None, :])
        return _Pass(below, units)

    def _forward_change(self, layers: list[Layer], moved: list[Layer], passed: _Pass) -> _Pass:
        """Return the derivative of `_forward` along `moved`."""
        slope = ACTIVATIONS[self.activation].slope
        below, units = [np.zeros_like(passed.below[0])], list[Array]()
        for number, (layer, by) in enumerate(zip(layers, moved, strict=True)):
            if number:
                below.append(slope(passed.units[number - 1]) * units[-1])
            sums = passed.below[number] @ _turn(by.weights) + below[-1] @ _turn(layer.weights)
            units.append(self._scale(number) * sums + by.biases[..., None, :])
        return _Pass(below, units)

    def _backward_change(
        self,
        layers: list[Layer],
        moved: list[Layer],
        passed: _Pass,
        change: _Pass,
        ends: tuple[Array, Array],
    ) -> Array:
        """Return the derivative of back-propagation along `moved`, as rows of parameters.

        `ends` is the gradient in the outputs and its derivative; both are carried down the layers.
        """
        (back, turned), activation = ends, ACTIVATIONS[self.activation]
        parts: list[Array] = []
        for number in reversed(range(len(layers))):
            scale, below = self._scale(number), passed.below[number]
            weights = scale * (_turn(turned) @ below + _turn(back) @ change.below[number])
            parts.append(weights.reshape(*weights.shape[:-2], -1))
            parts[-1:] = [parts[-1], turned.sum(axis=-2)] if self.biases else [parts[-1]]
            if number:
                units, moving = passed.units[number - 1], change.units[number - 1]
                push = scale * (back @ layers[number].weights)
                turned = scale * (turned @ layers[number].weights + back @ moved[number].weights)
                turned = activation.slope(units) * turned + activation.bend(units) * moving * push
                back = activation.slope(units) * push
        step = 2 if self.biases else 1
        ordered = [part for at in reversed(range(0, len(parts), step)) for part in parts[at : at + step]]
        return np.concatenate(ordered, axis=-1)


def _turn(matrices: Array) -> Array:
    return np.swapaxes(matrices, -1, -2)


def _softmax(outputs: Array) -> Array:
    grown = np.exp(outputs - outputs.max(axis=-1, keepdims=True))
    return np.asarray(grown / grown.sum(axis=-1, keepdims=True))


def _curved(outputs: Array, change: Array, loss: MeanLoss) -> tuple[Array, Array]:
    """Return the gradient of the samples' losses in the outputs, and its derivative along `change`."""
    if loss.misfit == "squared":
        return outputs - loss.labels, change
    share, whole = _softmax(outputs), loss.labels.sum(axis=-1, keepdims=True)
    spread = share * (change - (share * change).sum(axis=-1, keepdims=True))
    return share * whole - loss.labels, spread * whole


def sample_losses(outputs: Array, labels: Array, misfit: Misfit) -> Array:
    """Return the loss of each sample, (..., n).

    "squared": half the sum of squares. "cross-entropy": ``-sum_c y_c log softmax(f)_c``.

    Examples
    --------
    >>> sample_losses(np.array([[1.0, 0.0]]), np.array([[1.0, 0.0]]), "cross-entropy").round(4)
    array([0.3133])
    """
    if misfit == "squared":
        return np.asarray(0.5 * ((outputs - labels) ** 2).sum(axis=-1))
    top = outputs.max(axis=-1, keepdims=True)
    whole = np.log(np.exp(outputs - top).sum(axis=-1, keepdims=True)) + top
    return np.asarray((labels * (whole - outputs)).sum(axis=-1))
