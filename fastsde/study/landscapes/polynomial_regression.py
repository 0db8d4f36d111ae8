"""Regression by a polynomial of one parameter, whose roots are degenerate minima."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field, model_validator

from fastsde.study.fields import Expect, Fault, Positive, Real, Seed, Size, listed, refuse
from fastsde.study.landscapes.base import LANDSCAPES, Landscape, Numbers, Point
from fastsde.study.objective import LOSS_WORDS, Vocabulary
from fastsde.study.random_streams import generator

Order = Annotated[int, Field(ge=1, le=16)]


@LANDSCAPES.register
class PolynomialRegression(Landscape):
    """``L = (1/2n) sum_i (f(w) x_i - y_i)^2``, ``f(w) = scale prod_j (w - r_j)^m_j``; x and y normal.

    The labels do not depend on x, so each root r_j is a minimum of the expected loss; the larger its order
    m_j, the flatter. In singular learning theory (Watanabe 2009) it has the learning coefficient ``1/(2
    m_j)``: the posterior prefers the largest order as n grows. Where ``f' = 0`` the noise of SGD vanishes.

    Parameters
    ----------
    roots : tuple of float
        r_j, all different.
    orders : tuple of int
        m_j, from 1 to 16.
    samples : int
        n.
    scale : float, default 1
        Factor of f.
    noise : float, default 1
        Standard deviation of the labels.
    seed : int, default 0
        Of the samples.
    """

    order: ClassVar[int] = 8
    equation: ClassVar[str] = "L = (1/2n) sum_i (f(w) x_i - y_i)^2, f(w) = c prod_j (w - r_j)^m_j"
    about: ClassVar[str] = "Inputs and labels are independent normal numbers, so that roots of f are minima."
    source: ClassVar[str] = "Watanabe 2009"
    mean_over_samples: ClassVar[bool] = True
    vocabulary: ClassVar[Vocabulary] = LOSS_WORDS

    kind: Literal["polynomial-regression"] = "polynomial-regression"
    roots: Point
    orders: Annotated[
        tuple[Order, ...], listed, Field(min_length=1), Expect("a list of whole numbers from 1 to 16")
    ]
    samples: Size
    scale: Positive = 1.0
    noise: Real = 1.0
    seed: Seed = 0

    @property
    def dimension(self) -> int:
        """One parameter, w."""
        return 1

    @property
    def label_count(self) -> int:
        """One label."""
        return 1

    def numbers(self) -> Numbers:
        """Draw the samples."""
        random = generator(self.seed, "landscape")
        inputs = random.standard_normal((self.samples, 1))
        labels = self.noise * random.standard_normal((self.samples, 1))
        table = np.column_stack([self.roots, np.array(self.orders, dtype=np.float64)])
        return Numbers(inputs, labels, table, np.array([self.scale]))

    @model_validator(mode="after")
    def _paired(self) -> PolynomialRegression:
        if len(self.orders) != len(self.roots):
            refuse([Fault(("orders",), list(self.orders), f"{len(self.roots)} numbers, one per root")])
        if len(set(self.roots)) != len(self.roots):
            refuse([Fault(("roots",), list(self.roots), "different numbers", "add the orders up")])
        return self
