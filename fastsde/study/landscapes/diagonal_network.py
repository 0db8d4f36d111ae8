"""Diagonal linear networks."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field, model_validator

from fastsde.study.fields import Expect, Fault, Real, Seed, Size, refuse
from fastsde.study.landscapes.base import LANDSCAPES, Landscape, Numbers
from fastsde.study.random_streams import generator


@LANDSCAPES.register
class DiagonalNetwork(Landscape):
    """``V = (1/4n) sum_i (a_i . beta - y_i)^2`` with ``beta = w_+^2 - w_-^2``; ``x = (w_+, w_-)``.

    The model of Pesme, Pillaud-Vivien and Flammarion (2021).

    Parameters
    ----------
    features : int
        Entries of beta; d is twice as many.
    samples : int
        n.
    nonzero : int
        Entries of the true beta that are 1, the others being 0.
    noise : float, default 0
        Standard deviation of the labels' noise.
    seed : int, default 0
        Of the samples.
    """

    order: ClassVar[int] = 7
    equation: ClassVar[str] = "V = (1/4n) sum_i (a_i . beta - y_i)^2, beta = w_+^2 - w_-^2"
    about: ClassVar[str] = "The coordinates are w_+, then w_-."
    source: ClassVar[str] = "Pesme, Pillaud-Vivien and Flammarion 2021"
    mean_over_samples: ClassVar[bool] = True

    kind: Literal["diagonal-network"] = "diagonal-network"
    features: Annotated[Size, Field(le=128), Expect("a whole number from 1 to 128")]
    samples: Size
    nonzero: Size = 1
    noise: Real = 0.0
    seed: Seed = 0

    @property
    def dimension(self) -> int:
        """Twice the features."""
        return 2 * self.features

    @model_validator(mode="after")
    def _sparse(self) -> DiagonalNetwork:
        if self.nonzero > self.features:
            refuse([Fault(("nonzero",), self.nonzero, f"at most features = {self.features}")])
        return self

    @property
    def label_count(self) -> int:
        """One label."""
        return 1

    def numbers(self) -> Numbers:
        """Draw the regression problem."""
        random = generator(self.seed, "landscape")
        truth = (np.arange(self.features) < self.nonzero).astype(float)
        inputs = random.standard_normal((self.samples, self.features))
        labels = inputs @ truth + self.noise * random.standard_normal(self.samples)
        return Numbers(inputs, labels[:, None])
