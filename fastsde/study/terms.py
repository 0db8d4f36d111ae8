"""Terms of a model: covariance by hand, jumps, rotation, the clock of fractional time, schedules."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from fastsde.study.fields import Count, Expect, Fault, Number, Positive, Real, Section, Share, listed, refuse

__all__ = ["Covariance", "Jumps", "Rotation", "Schedule", "Subordination"]

Array = NDArray[np.float64]
Row = Annotated[tuple[Number, ...], listed, Expect("a row of numbers")]
Rows = Annotated[tuple[Row, ...], listed, Field(min_length=1), Expect("a list of rows of numbers")]
BALANCE = 1e-9


def _ragged(rows: tuple[tuple[float, ...], ...]) -> bool:
    return any(len(row) != len(rows[0]) for row in rows)


class Covariance(Section):
    """A constant covariance of the noise per unit time: a matrix, or low rank plus diagonal.

    ``d theta = -grad L dt + dM`` with ``Cov(dM) = C dt``, ``C = matrix`` or ``C = diag(diagonal) + F F^T``.
    Isotropic noise of temperature T is ``C = 2 T I``.

    Parameters
    ----------
    matrix : (p, p) rows, optional
        Symmetric, positive semidefinite.
    diagonal : p numbers, optional
        Not negative.
    factor : (p, r) rows, optional
        F.

    Examples
    --------
    >>> Covariance(diagonal=(1.0, 0.0), factor=((1.0,), (2.0,))).dense()
    array([[2., 2.],
           [2., 4.]])
    """

    matrix: Rows | None = None
    diagonal: Annotated[tuple[Real, ...] | None, listed, Expect("a list of numbers, at least 0")] = None
    factor: Rows | None = None

    @model_validator(mode="after")
    def _agree(self) -> Covariance:
        faults = []
        if (self.matrix is None) == (self.diagonal is None and self.factor is None):
            mend = "write { matrix = [[..], ..] }, or { diagonal = [..], factor = [[..], ..] }"
            faults.append(
                Fault((), self.model_dump(exclude_none=True), "a matrix, or diagonal and factor", mend)
            )
        for name in ("matrix", "factor"):
            rows = getattr(self, name)
            if rows is not None and _ragged(rows):
                faults.append(Fault((name,), [list(row) for row in rows], "rows of equal length"))
        refuse(faults)
        if self.matrix is not None:
            values = np.array(self.matrix)
            size = np.abs(values).max()
            square = values.shape[0] == values.shape[1]
            if not square or np.abs(values - values.T).max() > BALANCE * size:
                faults.append(Fault(("matrix",), values.tolist(), "a symmetric matrix"))
            elif np.linalg.eigvalsh(values).min() < -BALANCE * size:
                faults.append(Fault(("matrix",), values.tolist(), "a positive semidefinite matrix"))
        if self.diagonal is not None and self.factor is not None and len(self.diagonal) != len(self.factor):
            faults.append(Fault(("factor",), len(self.factor), f"{len(self.diagonal)} rows, as diagonal has"))
        refuse(faults)
        return self

    @property
    def size(self) -> int:
        """Number of components p."""
        return len(self.matrix or self.diagonal or self.factor or ())

    def parts(self) -> tuple[Array, Array]:
        """Give ``d`` (p or none) and ``F`` (p, r) with ``C = diag(d)^2 + F F^T``.

        A matrix goes into the symmetric root, whose basis a law by component then refers to.
        """
        if self.matrix is not None:
            values, vectors = np.linalg.eigh(np.array(self.matrix))
            return np.empty(0), np.asarray((vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T)
        diagonal = np.sqrt(np.array(self.diagonal if self.diagonal is not None else ()))
        factor = np.empty((self.size, 0)) if self.factor is None else np.array(self.factor)
        return np.asarray(diagonal), factor

    def dense(self) -> Array:
        """Give C as a matrix."""
        diagonal, factor = self.parts()
        return np.asarray((np.diag(diagonal**2) if diagonal.size else 0.0) + factor @ factor.T)


class Jumps(Section):
    """Compound Poisson jumps beside a Gaussian part, within the same covariance (Merton 1976).

    Parameters
    ----------
    rate : float
        Jumps per unit time.
    share : float, default 1
        Share of the variance that the jumps carry; the Gaussian part has the rest.
    """

    rate: Positive
    share: Share = 1.0


class Rotation(Section):
    """A constant antisymmetric J: drift ``-(I + J) grad U``; it keeps the Gibbs law of isotropic noise.

    Parameters
    ----------
    matrix : (p, p) rows, optional
        J itself.
    layer : int, optional
        The layer, from 1, in which rows 1 and 2, 3 and 4, ... of W are turned into each other.
    strength : float, optional
        Entry of J for `layer`, 1 by default.
    """

    matrix: Rows | None = None
    layer: Count | None = None
    strength: Number | None = None

    @model_validator(mode="after")
    def _agree(self) -> Rotation:
        if (self.matrix is None) == (self.layer is None):
            mend = "write { matrix = [[0, 1], [-1, 0]] }, or { layer = 1, strength = 1.0 }"
            refuse([Fault((), self.model_dump(exclude_none=True), "exactly one of matrix and layer", mend)])
        if self.matrix is not None:
            if self.strength is not None:
                refuse([Fault(("strength",), self.strength, "strength only with layer", "scale the matrix")])
            values = None if _ragged(self.matrix) else np.array(self.matrix)
            if values is None or values.shape[0] != values.shape[1] or np.any(values != -values.T):
                rows = [list(row) for row in self.matrix]
                refuse([Fault(("matrix",), rows, "an antisymmetric matrix, J^T = -J")])
        return self

    def entries(self, widths: tuple[int, ...]) -> tuple[NDArray[np.int64], NDArray[np.int64], Array]:
        """Give rows, columns and values of J for the parameters of a network.

        Examples
        --------
        >>> [list(map(int, part)) for part in Rotation(layer=1).entries((1, 2))]
        [[0, 1], [1, 0], [1, -1]]
        """
        if self.matrix is not None:
            values = np.array(self.matrix)
            rows, columns = np.nonzero(values)
            return rows.astype(np.int64), columns.astype(np.int64), values[rows, columns]
        layer = (self.layer or 1) - 1
        strength = 1.0 if self.strength is None else self.strength
        start = sum(a * b for a, b in pairwise(widths[: layer + 1]))
        width, height = widths[layer], widths[layer + 1]
        upper = start + (2 * np.arange(height // 2)[:, None] * width + np.arange(width)).ravel()
        lower = upper + width
        values = np.full(len(upper), strength)
        return (
            np.concatenate([upper, lower]).astype(np.int64),
            np.concatenate([lower, upper]).astype(np.int64),
            np.concatenate([values, -values]),
        )


class Subordination(Section):
    """The clock of fractional time: the inverse of a beta-stable subordinator (Magdziarz, Weron 2007).

    ``X(t) = Y(E(t))``, ``E(t) = inf {tau : T(tau) > t}``, ``E exp(-s T(tau)) = exp(-tau s^beta)``, Y the
    model without it: the law of X obeys the fractional Fokker-Planck equation.
    ``E E(t) = scale^(1-beta) t^beta / Gamma(1+beta)``.

    Parameters
    ----------
    beta : float
        Between 0 and 1, both excluded.
    scale : float, default 1
        Time at which fractional and ordinary clock agree but for the constant.
    """

    beta: Annotated[float, Field(gt=0, lt=1), Expect("a number above 0 and below 1")]
    scale: Positive = 1.0

    def first_events(self, dt: float) -> float:
        """Give the mean number of operational steps in the first step of time, ``E E(dt) / dt``.

        Later steps have fewer, ``n^beta`` times it altogether in the first n.

        Examples
        --------
        >>> round(Subordination(beta=0.5).first_events(0.01), 3)
        11.284
        """
        return float((self.scale / dt) ** (1 - self.beta)) / math.gamma(1 + self.beta)


class Schedule(Section):
    """The learning rate as a share of the nominal one, by learning-rate step.

    Parameters
    ----------
    kind : {"constant", "step", "cosine"}
        "step": times `drop` after each `every` steps. "cosine": half a cosine down to `final` at the last
        step (Loshchilov and Hutter 2017).
    warm_up : int, optional
        So many steps of linear rise before: step k has the share ``(k + 1) / (warm_up + 1)``.
    every, drop : int, float, optional
        For "step".
    final : float, optional
        For "cosine", 0 by default.
    """

    kind: Annotated[Literal["constant", "step", "cosine"], Expect('"constant", "step" or "cosine"')] = (
        "constant"
    )
    warm_up: Count | None = None
    every: Count | None = None
    drop: Share | None = None
    final: Annotated[float | None, Field(ge=0, le=1), Expect("a number from 0 to 1")] = None

    @model_validator(mode="after")
    def _agree(self) -> Schedule:
        faults = []
        for name, kind in (("every", "step"), ("drop", "step"), ("final", "cosine")):
            value = getattr(self, name)
            if value is not None and self.kind != kind:
                faults.append(Fault((name,), value, f'{name} only with kind = "{kind}"', f"remove {name}"))
        if self.kind == "step" and (self.every is None or self.drop is None):
            mend = 'write { kind = "step", every = 1000, drop = 0.1 }'
            faults.append(Fault((), self.model_dump(exclude_none=True), "every and drop", mend))
        refuse(faults)
        return self
