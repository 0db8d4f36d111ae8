"""A network that learns from examples, as observables see it: its functions, its examples, its labels."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastsde.study.datasets import Examples
from fastsde.study.datasets.base import Target
from fastsde.study.feedforward import Feedforward, MeanLoss, Misfit, sample_losses

__all__ = ["Learner", "accuracy", "learner_of"]

Array = NDArray[np.float64]


class Learner(NamedTuple):
    """A nonlinear network, the losses of its training and test examples, and what their labels are.

    Attributes
    ----------
    network : Feedforward
    training, test : MeanLoss
    target : {"numbers", "signs", "classes"}
    """

    network: Feedforward
    training: MeanLoss
    test: MeanLoss
    target: Target

    @classmethod
    def of(
        cls, network: Feedforward, examples: Examples, target: Target, misfit: Misfit, factor: float
    ) -> Learner:
        """Return the learner of a network from examples, whose loss is `factor` times the mean misfit."""
        training = MeanLoss(examples.inputs, examples.labels, misfit, factor)
        test = MeanLoss(examples.test_inputs, examples.test_labels, misfit, factor)
        return cls(network, training, test, target)

    def loss(self, rows: Array, of: MeanLoss) -> Array:
        """Return the mean loss of some examples, (rows,); NaN if there are none."""
        if not len(of.inputs):
            return np.full(len(rows), np.nan)
        losses = sample_losses(self.network.outputs(rows, of.inputs), of.labels, of.misfit)
        return np.asarray(of.factor * losses.mean(axis=-1))

    def accuracy(self, rows: Array, of: MeanLoss) -> Array:
        """Return the share of examples whose labels are predicted, (rows,); NaN if there are none."""
        if not len(of.inputs):
            return np.full(len(rows), np.nan)
        return accuracy(self.network.outputs(rows, of.inputs), of.labels, self.target)

    def hessian_product(self, rows: Array, directions: Array) -> Array:
        """Return the Hessian of the training loss times directions, (rows, p)."""
        return self.network.hessian_product(rows, directions, self.training)


def accuracy(outputs: Array, labels: Array, target: Target) -> Array:
    """Return the share of samples whose label the outputs give: the largest output, or the signs of all.

    Parameters
    ----------
    outputs : (..., n, k) array
    labels : (n, k) array
    target : {"signs", "classes"}

    Examples
    --------
    >>> accuracy(np.array([[0.2, 0.1], [0.3, 0.4]]), np.array([[1.0, 0.0], [1.0, 0.0]]), "classes")
    0.5
    >>> accuracy(np.array([[0.2], [0.3]]), np.array([[1.0], [-1.0]]), "signs")
    0.5
    """
    if target == "classes":
        right = outputs.argmax(axis=-1) == labels.argmax(axis=-1)
    else:
        right = (outputs * labels > 0).all(axis=-1)
    return np.asarray(right.mean(axis=-1))


def learner_of(study: Any) -> Learner | None:
    """Return the network that learns from examples in a study; None if its objective is another."""
    learner: Learner | None = None if study.landscape is None else study.landscape.learner
    return learner
