"""The toy model of superposition."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from fastsde.study.fields import Expect, Seed, Share, Size
from fastsde.study.landscapes.base import LANDSCAPES, Landscape, Numbers
from fastsde.study.random_streams import generator


@LANDSCAPES.register
class Superposition(Landscape):
    """The toy model of superposition (Elhage et al. 2022): ``x' = relu(W^T W x + b)``.

    ``V = (1/2n) sum_i sum_k I_k (x_ik - x'_ik)^2``, features uniform on [0, 1], each 0 with probability
    `sparsity`. The point is W (hidden x features), row by row, then b.

    Parameters
    ----------
    features, hidden : int
        Columns and rows of W.
    samples : int
        n.
    sparsity : float, default 0
        Probability that a feature is 0.
    decay : float, default 1
        Importance ``I_k = decay^k``.
    seed : int, default 0
        Of the samples.
    """

    order: ClassVar[int] = 8
    equation: ClassVar[str] = "V = (1/2n) sum_i sum_k I_k (x_ik - x'_ik)^2, x' = relu(W^T W x + b)"
    about: ClassVar[str] = "The coordinates are W, row by row, then b."
    source: ClassVar[str] = "Elhage et al. 2022"
    mean_over_samples: ClassVar[bool] = True
    smooth: ClassVar[bool] = False

    kind: Literal["superposition"] = "superposition"
    features: Annotated[Size, Field(ge=2, le=64), Expect("a whole number from 2 to 64")]
    hidden: Annotated[Size, Field(le=64), Expect("a whole number from 1 to 64")]
    samples: Size
    sparsity: Annotated[float, Field(ge=0, lt=1), Expect("a number from 0, below 1")] = 0.0
    decay: Share = 1.0
    seed: Seed = 0

    @property
    def dimension(self) -> int:
        """Weights and biases."""
        return self.features * (self.hidden + 1)

    def numbers(self) -> Numbers:
        """Draw the features."""
        random = generator(self.seed, "landscape")
        shape = (self.samples, self.features)
        inputs = random.random(shape) * (random.random(shape) >= self.sparsity)
        return Numbers(inputs, vector=np.asarray(self.decay ** np.arange(self.features)))
