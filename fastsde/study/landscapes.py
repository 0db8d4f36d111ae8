"""Landscapes in place of a network: functions of few variables, most with a known answer, and a user's own.

The state is the point x (d numbers); ``loss`` is the energy V(x), ``modes`` are the coordinates of x and the
distance of the event ``radius_above`` is that from `centre`. Phase retrieval, diagonal networks and
superposition are means over samples, ``V = (1/n) sum_i l_i``, and have SGD and gradient noise; the others
have the noise of their models alone.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from fastsde.study.fields import (
    Expect,
    Fault,
    Number,
    Positive,
    Real,
    Section,
    Seed,
    Share,
    Size,
    listed,
    refuse,
)
from fastsde.study.random_streams import generator
from fastsde.study.terms import Rows

__all__ = ["Landscape", "LandscapeStart", "Numbers"]

Array = NDArray[np.float64]
Point = Annotated[tuple[Number, ...], listed, Field(min_length=1), Expect("a list of numbers")]
Dimension = Annotated[Size, Field(le=256), Expect("a whole number from 1 to 256")]

MUELLER_BROWN = np.array([
    [-200.0, -1.0, 0.0, -10.0, 1.0, 0.0],
    [-100.0, -1.0, 0.0, -10.0, 0.0, 0.5],
    [-170.0, -6.5, 11.0, -6.5, -0.5, 1.5],
    [15.0, 0.7, 0.6, 0.7, -1.0, 1.0],
])  # fmt: skip


class LandscapeStart(Section):
    """Where trajectories start: at a point, plus independent normals of standard deviation `std`.

    Parameters
    ----------
    point : tuple of float, optional
        By default the centre, or where the landscape says.
    points : tuple of points, optional
        Several in place of one: trajectory k starts from point k modulo their number.
    std : float, default 0
        Standard deviation of the normals that are added.
    """

    point: Point | None = None
    points: Annotated[
        tuple[Point, ...] | None,
        listed,
        Field(min_length=1),
        Expect("a list of points, each a list of numbers"),
    ] = None
    std: Real = 0.0

    @model_validator(mode="after")
    def _agree(self) -> LandscapeStart:
        if self.point is not None and self.points is not None:
            refuse([Fault(("points",), "set", "one of point and points", "remove one of the two")])
        return self


class Numbers:
    """What the kernels are given of a landscape: samples, a table, a vector.

    Parameters
    ----------
    inputs, labels : (n, k) and (n, 1) arrays, optional
    table, vector : 2-d and 1-d arrays, optional
    """

    def __init__(
        self,
        inputs: Array | None = None,
        labels: Array | None = None,
        table: Array | None = None,
        vector: Array | None = None,
    ) -> None:
        self.inputs = np.empty((0, 1)) if inputs is None else inputs
        self.labels = np.zeros((len(self.inputs), 1)) if labels is None else labels
        self.table = np.empty((0, 1)) if table is None else table
        self.vector = np.empty(0) if vector is None else vector


class _Landscape(Section):
    """What landscapes share.

    Parameters
    ----------
    centre : tuple of float, optional
        Point from which distances are measured; the origin by default.
    start : LandscapeStart
        Where trajectories start.
    """

    kind: str
    centre: Point | None = None
    start: LandscapeStart = LandscapeStart()
    samples_of: ClassVar[bool] = False
    smooth: ClassVar[bool] = True
    code: ClassVar[str] = ""

    @property
    def dimension(self) -> int:
        """Number of coordinates d."""
        raise NotImplementedError

    @property
    def bounded(self) -> bool:
        """Whether the energy has a lower bound, as far as is known."""
        return True

    def numbers(self) -> Numbers:
        """Give what the kernels need."""
        return Numbers()

    def middle(self) -> Array:
        """Give the centre as an array (d,)."""
        return np.zeros(self.dimension) if self.centre is None else np.array(self.centre)

    def bottom(self) -> Array:
        """Give where trajectories start unless the study says otherwise, (d,)."""
        return self.middle()

    def origins(self) -> Array:
        """Give the starting points before the spread, (points, d)."""
        if self.start.points is not None:
            return np.array(self.start.points)
        return np.array([self.bottom() if self.start.point is None else self.start.point])

    @model_validator(mode="after")
    def _same_size(self) -> Any:
        faults = []
        given: list[tuple[tuple[str | int, ...], tuple[float, ...] | None]] = [
            (("centre",), self.centre),
            (("start", "point"), self.start.point),
            *((("start", "points", number), point) for number, point in enumerate(self.start.points or ())),
        ]
        for where, point in given:
            if point is not None and len(point) != self.dimension:
                faults.append(Fault(where, list(point), f"{self.dimension} numbers, one a coordinate"))
        refuse(faults)
        return self


class Quadratic(_Landscape):
    """``V = (x - c)^T A (x - c) / 2``, c the centre; A symmetric, definite or not.

    Parameters
    ----------
    matrix : (d, d) rows, optional
        A, by rows.
    eigenvalues : tuple of float, optional
        A diagonal. Exactly one of the two.
    """

    kind: Literal["quadratic"] = "quadratic"
    matrix: Rows | None = None
    eigenvalues: Point | None = None
    code: ClassVar[str] = "quadratic"

    @model_validator(mode="before")
    @classmethod
    def _one(cls, table: Any) -> Any:
        if isinstance(table, dict) and ("matrix" in table) == ("eigenvalues" in table):
            mend = "write matrix = [[1, 0], [0, 2]] or eigenvalues = [1, 2]"
            refuse([Fault((), sorted(table), "exactly one of matrix and eigenvalues", mend)])
        return table

    @model_validator(mode="after")
    def _symmetric(self) -> Quadratic:
        if self.matrix is not None:
            rows = [list(row) for row in self.matrix]
            square = all(len(row) == len(rows) for row in rows)
            if not square or not np.allclose(rows, np.array(rows).T, rtol=1e-12, atol=0):
                refuse(
                    [
                        Fault(
                            ("matrix",),
                            rows,
                            "a symmetric matrix",
                            self._symmetric_part(rows) if square else "",
                        )
                    ]
                )
        return self

    @staticmethod
    def _symmetric_part(rows: list[list[float]]) -> str:
        """Say how to write a drift that is not a gradient."""
        half = (np.array(rows) + np.array(rows).T) / 2
        shown = f"{half.tolist()}" if half.size <= 9 else "(A + A^T) / 2"
        return (
            f"an energy has the matrix {shown}; a drift with a rotation is models.NAME.rotation = "
            "{ matrix = J }, J antisymmetric: -(I + J) grad V"
        )

    @property
    def dimension(self) -> int:
        """Number of coordinates."""
        return len(self.matrix or self.eigenvalues or ())

    @property
    def bounded(self) -> bool:
        """Whether no eigenvalue is below 0."""
        return bool(np.linalg.eigvalsh(self.numbers().table).min() >= 0)

    def numbers(self) -> Numbers:
        """Give A and the centre."""
        a = np.diag(np.array(self.eigenvalues)) if self.matrix is None else np.array(self.matrix)
        return Numbers(table=a, vector=self.middle())


class Saddle(_Landscape):
    """A linear saddle, ``V = 1/2 sum_i lambda_i x_i^2`` with one eigenvalue or more below 0.

    Parameters
    ----------
    eigenvalues : tuple of float
        lambda_1, lambda_2, ...
    """

    kind: Literal["saddle"] = "saddle"
    eigenvalues: Point
    code: ClassVar[str] = "quadratic"

    @model_validator(mode="after")
    def _falls(self) -> Saddle:
        if min(self.eigenvalues) >= 0:
            mend = 'take kind = "quadratic"'
            refuse([Fault(("eigenvalues",), list(self.eigenvalues), "one below 0 or more", mend)])
        return self

    @property
    def dimension(self) -> int:
        """Number of coordinates."""
        return len(self.eigenvalues)

    @property
    def bounded(self) -> bool:
        """Never."""
        return False

    def numbers(self) -> Numbers:
        """Give the eigenvalues as a diagonal matrix."""
        return Numbers(table=np.diag(np.array(self.eigenvalues)), vector=self.middle())


class DoubleWell(_Landscape):
    """``V = height (x_1^4 / 4 - x_1^2 / 2) + 1/2 sum_i stiffness_i x_i^2``, i from 2: minima at -1 and 1.

    The barrier is ``height / 4``. Trajectories start in the left well.

    Parameters
    ----------
    height : float, default 1
        Four times the barrier.
    stiffness : tuple of float, optional
        Of the coordinates after the first, none by default.
    """

    kind: Literal["double-well"] = "double-well"
    height: Positive = 1.0
    stiffness: Annotated[tuple[Positive, ...], listed, Expect("a list of numbers above 0")] = ()
    code: ClassVar[str] = "double-well"

    @property
    def dimension(self) -> int:
        """Number of coordinates."""
        return 1 + len(self.stiffness)

    def numbers(self) -> Numbers:
        """Give height and stiffness."""
        return Numbers(vector=np.array([self.height, *self.stiffness]))

    def bottom(self) -> Array:
        """Give the left minimum."""
        left: Array = -np.eye(self.dimension)[0]
        return left


class MonkeySaddle(_Landscape):
    """``V = x^3 - 3 x y^2``: a saddle without a Hessian."""

    kind: Literal["monkey-saddle"] = "monkey-saddle"
    code: ClassVar[str] = "monkey-saddle"

    @property
    def dimension(self) -> int:
        """Two."""
        return 2

    @property
    def bounded(self) -> bool:
        """Never."""
        return False


class MuellerBrown(_Landscape):
    """The surface of Mueller and Brown (1979), three minima and two saddles, times `scale`.

    Trajectories start in the deepest minimum, (-0.558, 1.442).

    Parameters
    ----------
    scale : float, default 1
        Factor of the energy.
    """

    kind: Literal["mueller-brown"] = "mueller-brown"
    scale: Positive = 1.0
    code: ClassVar[str] = "mueller-brown"

    @property
    def dimension(self) -> int:
        """Two."""
        return 2

    def numbers(self) -> Numbers:
        """Give the four terms."""
        table = MUELLER_BROWN.copy()
        table[:, 0] *= self.scale
        return Numbers(table=table)

    def bottom(self) -> Array:
        """Give the deepest minimum."""
        deepest: Array = np.array([-0.5582236, 1.4417258])
        return deepest


class PhaseRetrieval(_Landscape):
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

    kind: Literal["phase-retrieval"] = "phase-retrieval"
    size: Dimension
    samples: Size
    noise: Real = 0.0
    seed: Seed = 0
    samples_of: ClassVar[bool] = True
    code: ClassVar[str] = "phase-retrieval"

    @property
    def dimension(self) -> int:
        """Number of coordinates."""
        return self.size

    def numbers(self) -> Numbers:
        """Draw the measurements."""
        random = generator(self.seed, "landscape")
        truth = random.standard_normal(self.size)
        truth /= np.linalg.norm(truth)
        inputs = random.standard_normal((self.samples, self.size))
        labels = (inputs @ truth) ** 2 + self.noise * random.standard_normal(self.samples)
        return Numbers(inputs, labels[:, None])


class DiagonalNetwork(_Landscape):
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

    kind: Literal["diagonal-network"] = "diagonal-network"
    features: Annotated[Size, Field(le=128), Expect("a whole number from 1 to 128")]
    samples: Size
    nonzero: Size = 1
    noise: Real = 0.0
    seed: Seed = 0
    samples_of: ClassVar[bool] = True
    code: ClassVar[str] = "diagonal-network"

    @property
    def dimension(self) -> int:
        """Twice the features."""
        return 2 * self.features

    @model_validator(mode="after")
    def _sparse(self) -> DiagonalNetwork:
        if self.nonzero > self.features:
            refuse([Fault(("nonzero",), self.nonzero, f"at most features = {self.features}")])
        return self

    def numbers(self) -> Numbers:
        """Draw the regression problem."""
        random = generator(self.seed, "landscape")
        truth = (np.arange(self.features) < self.nonzero).astype(float)
        inputs = random.standard_normal((self.samples, self.features))
        labels = inputs @ truth + self.noise * random.standard_normal(self.samples)
        return Numbers(inputs, labels[:, None])


class Superposition(_Landscape):
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

    kind: Literal["superposition"] = "superposition"
    features: Annotated[Size, Field(ge=2, le=64), Expect("a whole number from 2 to 64")]
    hidden: Annotated[Size, Field(le=64), Expect("a whole number from 1 to 64")]
    samples: Size
    sparsity: Annotated[float, Field(ge=0, lt=1), Expect("a number from 0, below 1")] = 0.0
    decay: Share = 1.0
    seed: Seed = 0
    samples_of: ClassVar[bool] = True
    smooth: ClassVar[bool] = False
    code: ClassVar[str] = "superposition"

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


class User(_Landscape):
    """A function of your own, compiled by numba: ``function(x, gradient)`` fills `gradient` and returns V(x).

    Parameters
    ----------
    function : str
        A name given to `fastsde.user.register`, or ``"module:name"``, which is imported only where the
        environment variable ``FASTSDE_ALLOW_CODE`` is 1: a study file is not trusted to run code. The module
        is looked for beside the study file, in the working directory, then on Python's path.
    size : int
        d.
    """

    kind: Literal["user"] = "user"
    function: Annotated[str, Field(min_length=1), Expect('a registered name, or "module:name"')]
    size: Dimension
    code: ClassVar[str] = "user"

    @property
    def dimension(self) -> int:
        """Number of coordinates."""
        return self.size


Landscape = Annotated[
    Quadratic
    | Saddle
    | DoubleWell
    | MonkeySaddle
    | MuellerBrown
    | PhaseRetrieval
    | DiagonalNetwork
    | Superposition
    | User,
    Field(discriminator="kind"),
]
