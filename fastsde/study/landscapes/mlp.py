"""Nonlinear networks of fully connected layers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from itertools import pairwise
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field, model_validator

from fastsde.study.datasets import Dataset, Examples
from fastsde.study.feedforward import Feedforward, Misfit
from fastsde.study.fields import Count, Expect, Fault, Real, Section, listed, refuse
from fastsde.study.landscapes.base import LANDSCAPES, Array, Landscape, Numbers
from fastsde.study.learner import Learner
from fastsde.study.objective import MLP_WORDS, ObjectiveTraits, Vocabulary

__all__ = ["LayerStart", "Mlp"]

MOST_WIDE, MOST_PARAMETERS, MOST_OUTPUTS = 1024, 16384, 8
Width = Annotated[Count, Field(le=MOST_WIDE), Expect(f"a whole number from 1 to {MOST_WIDE}")]


class LayerStart(Section):
    """Independent normal weights and biases at the start, of mean 0.

    Parameters
    ----------
    gamma : float, optional
        Standard deviation ``min(fan_in, fan_out)^(-gamma/2)`` in each layer, as in ``network.init``.
    std : float, optional
        The standard deviation itself, in place of `gamma`.
    bias_std : float, default 0
        Standard deviation of the biases.
    scale : float, default 1
        Factor of all of them.
    """

    gamma: Annotated[float | None, Field(ge=0, le=100), Expect("a number from 0 to 100")] = None
    std: Real | None = None
    bias_std: Real = 0.0
    scale: Real = 1.0

    @model_validator(mode="after")
    def _agree(self) -> LayerStart:
        if (self.gamma is None) == (self.std is None):
            given = self.model_dump(exclude_none=True)
            refuse([Fault((), given, "exactly one of gamma and std", "write gamma = 1.0, or std = 0.1")])
        return self

    def spread(self, widths: tuple[int, ...], biases: bool) -> Array:
        """Return the standard deviation of each parameter, (p,)."""
        parts = []
        for below, above in pairwise(widths):
            std = float(self.std or 0.0) if self.gamma is None else min(below, above) ** (-self.gamma / 2)
            parts += [np.full(below * above, std), np.full(above if biases else 0, self.bias_std)]
        return self.scale * np.concatenate(parts)


@LANDSCAPES.register
class Mlp(Landscape):
    """A network of fully connected layers, ``h_l = s(W_l h_{l-1} + b_l)``, ``f = a W_L h_{L-1} + b_L``.

    The state is W_1 (row by row), b_1, W_2, b_2, ...; its modes are the outputs for a few inputs.

    Parameters
    ----------
    widths : tuple of int
        Sizes of the layers, input first: two or more, each from 1 to 1024; at most 16384 parameters.
    activation : {"linear", "tanh", "relu", "gelu", "quadratic", "erf"}
        s: the identity, ``tanh z``, ``max(z, 0)``, ``z Phi(z)``, ``z^2``, ``erf z``.
    biases : bool, default True
        Whether there are b_l.
    loss : {"mean", "half", "cross-entropy"}
        Of one sample: ``|f - y|^2`` over the number of outputs, as PyTorch's MSELoss; ``|f - y|^2 / 2``; or
        ``-sum_k y_k log softmax(f)_k``.
    scaling : {"standard", "mean-field"}
        a: 1, or one over the width of the last hidden layer. The learning rate is the one of ordinary
        gradient descent in both: for the mean-field limit let it grow as that width.
    init : LayerStart
        How weights and biases start, unless `start` has points.
    data : Dataset
        What is learned, by its own `kind`.
    probes : int, default 2
        The modes are the outputs for so many samples, the first ones; at most 8 outputs in all.
    """

    order: ClassVar[int] = 9
    equation: ClassVar[str] = "h_l = s(W_l h_(l-1) + b_l), f = a W_L h_(L-1) + b_L"
    mean_over_samples: ClassVar[bool] = True
    vocabulary: ClassVar[Vocabulary] = MLP_WORDS

    kind: Literal["mlp"] = "mlp"
    widths: Annotated[
        tuple[Width, ...], listed, Field(min_length=2), Expect("a list of two or more widths, input first")
    ]
    activation: Annotated[
        Literal["linear", "tanh", "relu", "gelu", "quadratic", "erf"],
        Expect('"linear", "tanh", "relu", "gelu", "quadratic" or "erf"'),
    ] = "tanh"
    biases: Annotated[bool, Expect("true or false")] = True
    loss: Annotated[Literal["mean", "half", "cross-entropy"], Expect('"mean", "half" or "cross-entropy"')] = (
        "mean"
    )
    scaling: Annotated[Literal["standard", "mean-field"], Expect('"standard" or "mean-field"')] = "standard"
    init: LayerStart = LayerStart(gamma=1.0)
    data: Dataset
    probes: Count = 2

    @property
    def dimension(self) -> int:
        """Weights and biases."""
        return sum((below + self.biases) * above for below, above in pairwise(self.widths))

    @property
    def samples_used(self) -> int:
        """Samples of the data."""
        return self.data.count

    @property
    def sample_size(self) -> int:
        """Inputs and outputs."""
        return self.widths[0] + self.widths[-1]

    @property
    def label_count(self) -> int:
        """Outputs; classes have no noise that can be added to them."""
        return 0 if self.loss == "cross-entropy" else self.widths[-1]

    @property
    def workspace(self) -> int:
        """Lane vectors that its function of lanes needs, as `fastsde.kernels.surfaces.mlp` counts them."""
        return 2 * sum(self.widths[:-1]) + 2 * max(self.widths)

    @property
    def surface_name(self) -> str:
        """Name of the function of its activation and loss."""
        return f"mlp-{self.activation}-{self._misfit}"

    @property
    def observed(self) -> int:
        """Outputs that are observed as modes."""
        probed = min(self.probes, self.data.count) * self.widths[-1]
        return min(probed, MOST_OUTPUTS, self.dimension)

    def traits(self) -> ObjectiveTraits:
        """Return what depends on the objective elsewhere in the program."""
        smooth = self.activation != "relu"
        return replace(super().traits(), modes=self.observed, positive=True, smooth=smooth)

    @cached_property
    def _examples(self) -> Examples:
        return self.data.draw()

    @property
    def _output_factor(self) -> float:
        """The factor a of the outputs."""
        return 1.0 / self.widths[-2] if self.scaling == "mean-field" else 1.0

    @property
    def _loss_factor(self) -> float:
        """The factor c of ``c/2 |f - y|^2``, and of the cross-entropy."""
        return 2.0 / self.widths[-1] if self.loss == "mean" else 1.0

    @property
    def _misfit(self) -> Misfit:
        return "cross-entropy" if self.loss == "cross-entropy" else "squared"

    @property
    def learner(self) -> Learner:
        """The network, its data and its loss, for what is measured besides."""
        scales = (*(1.0 for _ in self.widths[2:]), self._output_factor)
        network = Feedforward(self.widths, self.activation, self.biases, scales)
        return Learner.of(network, self._examples, self.data.target, self._misfit, self._loss_factor)

    def numbers(self) -> Numbers:
        """Return data, sizes and factors."""
        inputs, labels, _, _ = self._examples
        return Numbers(
            inputs,
            labels,
            table=np.asarray(inputs[: self.probes]),
            vector=np.array([self._output_factor, self._loss_factor]),
            sizes=np.array([self.biases, self.observed, *self.widths], dtype=np.int64),
        )

    def start_spread(self) -> Array | float:
        """Return the standard deviation of each parameter at the start."""
        if self.start.point is not None or self.start.points is not None:
            return self.start.std
        return self.init.spread(self.widths, self.biases)

    @model_validator(mode="after")
    def _fit(self) -> Any:
        refuse(self._faults())
        return self

    def _faults(self) -> Iterator[Fault]:
        if self.dimension > MOST_PARAMETERS:
            expected = f"at most {MOST_PARAMETERS} weights and biases; these have {self.dimension}"
            yield Fault(("widths",), list(self.widths), expected, "take narrower or fewer layers")
        yield from self.data.faults(self.widths)
        if self.loss == "cross-entropy" and self.data.target != "classes":
            fix = 'take data whose labels are classes, or loss = "mean"'
            yield Fault(("loss",), self.loss, '"mean" or "half": the labels are no classes', fix)
        if self.scaling == "mean-field" and len(self.widths) < 3:
            yield Fault(("scaling",), self.scaling, '"standard": there is no hidden layer')
