"""A covariance of the noise that the study gives."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator

from fastsde.study.fields import Expect, Fault, Real, Section, listed, refuse
from fastsde.study.setting import Setting, Where
from fastsde.study.terms.matrices import Rows, ragged
from fastsde.study.terms.term import TERMS, Term

__all__ = ["Covariance", "GivenCovariance"]

Array = NDArray[np.float64]
BALANCE = 1e-9


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
            fix = "write { matrix = [[..], ..] }, or { diagonal = [..], factor = [[..], ..] }"
            faults.append(
                Fault((), self.model_dump(exclude_none=True), "a matrix, or diagonal and factor", fix)
            )
        for name in ("matrix", "factor"):
            rows = getattr(self, name)
            if rows is not None and ragged(rows):
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


class GivenCovariance(Term):
    """The covariance of given noise; it belongs to the step of the SDE and only checks itself here."""

    name: ClassVar[str] = "covariance"
    order: ClassVar[int] = 55
    equation: ClassVar[str] = "Cov(dM) = C dt"

    def faults(self, value: Covariance, model: Any, setting: Setting, where: Where) -> Iterator[Fault]:
        """Check the size."""
        if value.size != setting.parameters:
            yield Fault(
                (*where, self.name), value.size, f"a covariance of the {setting.parameters} parameters"
            )


TERMS.register(GivenCovariance())
