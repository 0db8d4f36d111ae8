"""Phase retrieval."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np

from fastsde.study.fields import Real, Seed, Size
from fastsde.study.landscapes.base import LANDSCAPES, Dimension, Landscape, Numbers
from fastsde.study.random_streams import generator


@LANDSCAPES.register
class PhaseRetrieval(Landscape):
    """``V = (1/4n) sum_i ((a_i . x)^2 - y_i)^2``, ``y_i = (a_i . x*)^2 + noise``; a normal, ``|x*| = 1``.

    Parameters
    ----------
    size : int
        d.
    samples : int
        n.
    noise : float, default 0
        Standard deviation of the labels' noise.
    seed : int, default 0
        Of the samples.
    """

    order: ClassVar[int] = 6
    equation: ClassVar[str] = "V = (1/4n) sum_i ((a_i . x)^2 - y_i)^2"
    about: ClassVar[str] = "The measurements are y_i = (a_i . x*)^2 + noise, with normal a_i and |x*| = 1."
    mean_over_samples: ClassVar[bool] = True

    kind: Literal["phase-retrieval"] = "phase-retrieval"
    size: Dimension
    samples: Size
    noise: Real = 0.0
    seed: Seed = 0

    @property
    def dimension(self) -> int:
        """Number of coordinates."""
        return self.size

    @property
    def label_count(self) -> int:
        """One label."""
        return 1

    def numbers(self) -> Numbers:
        """Draw the measurements."""
        random = generator(self.seed, "landscape")
        truth = random.standard_normal(self.size)
        truth /= np.linalg.norm(truth)
        inputs = random.standard_normal((self.samples, self.size))
        labels = (inputs @ truth) ** 2 + self.noise * random.standard_normal(self.samples)
        return Numbers(inputs, labels[:, None])
