"""A sharp and a flat basin."""

from __future__ import annotations

import math
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

from fastsde.study.fields import Expect, Number, Positive, Real, Seed, Size, listed
from fastsde.study.landscapes.base import LANDSCAPES, Array, Landscape, Numbers
from fastsde.study.random_streams import generator

Two = Annotated[tuple[Positive, Positive], listed, Expect("two numbers above 0")]


@LANDSCAPES.register
class TwoBasins(Landscape):
    """``V = (1/n) sum_i min(a u_i^2 + b v_i^2, c |w - x_i + (1, 1)|^2)``: a sharp and a flat basin.

    u_i and v_i are ``w - x_i - (1, 1)``, turned by `angle`: the sharp minimum is at (1, 1), the flat one at
    (-1, -1). The samples x_i are normal with standard deviations ``spread sqrt(b / a)`` along u and `spread`
    along v, so that in the sharp basin the covariance of a sample's gradient is proportional to the Hessian.
    Trajectories start in the sharp basin.

    Parameters
    ----------
    stiffness : (float, float), default (10, 100)
        a and b.
    flat : float, default 1
        c.
    angle : float, default 45
        In degrees.
    samples : int, default 100
        n.
    spread : float, default 0.01
        Standard deviation of the samples along v.
    seed : int, default 0
        Of the samples.
    """

    order: ClassVar[int] = 6
    equation: ClassVar[str] = "V = (1/n) sum_i min(a u_i^2 + b v_i^2, c |w - x_i + (1, 1)|^2)"
    about: ClassVar[str] = (
        "u and v are the coordinates less (1, 1), turned by an angle: a sharp basin at (1, 1) and a flat one "
        "at (-1, -1); the samples x_i make the gradient noise of the sharp one proportional to its Hessian."
    )
    source: ClassVar[str] = "Zhu, Wu, Yu, Wu and Ma 2019"
    mean_over_samples: ClassVar[bool] = True
    smooth: ClassVar[bool] = False

    kind: Literal["two-basins"] = "two-basins"
    stiffness: Two = (10.0, 100.0)
    flat: Positive = 1.0
    angle: Annotated[Number, Field(ge=-360, le=360), Expect("a number from -360 to 360")] = 45.0
    samples: Size = 100
    spread: Real = 0.01
    seed: Seed = 0

    @property
    def dimension(self) -> int:
        """Number of coordinates."""
        return 2

    def numbers(self) -> Numbers:
        """Draw the samples."""
        (a, b), turn = self.stiffness, math.radians(self.angle)
        cosine, sine = math.cos(turn), math.sin(turn)
        random = generator(self.seed, "landscape")
        along = random.standard_normal((self.samples, 2)) * self.spread * np.array([math.sqrt(b / a), 1.0])
        inputs = along @ np.array([[cosine, -sine], [sine, cosine]])
        vector = np.array([a, b, self.flat, cosine, sine, 1.0, 1.0, -1.0, -1.0])
        return Numbers(inputs, vector=vector)

    def bottom(self) -> Array:
        """Return the sharp minimum."""
        return np.ones(2)
