"""Quadratic landscapes."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import model_validator

from fastsde.study.fields import Fault, refuse
from fastsde.study.landscapes.base import LANDSCAPES, Landscape, Numbers, Point
from fastsde.study.terms import Rows


@LANDSCAPES.register
class Quadratic(Landscape):
    """``V = (x - c)^T A (x - c) / 2``, c the centre; A symmetric, definite or not.

    Parameters
    ----------
    matrix : (d, d) rows, optional
        A, by rows.
    eigenvalues : tuple of float, optional
        A diagonal. Exactly one of the two.
    """

    order: ClassVar[int] = 1
    equation: ClassVar[str] = "V = (x - c)^T A (x - c) / 2"
    about: ClassVar[str] = "c is the centre; A is symmetric, definite or not."

    kind: Literal["quadratic"] = "quadratic"
    matrix: Rows | None = None
    eigenvalues: Point | None = None

    @model_validator(mode="before")
    @classmethod
    def _one(cls, table: Any) -> Any:
        if isinstance(table, dict) and ("matrix" in table) == ("eigenvalues" in table):
            fix = "write matrix = [[1, 0], [0, 2]] or eigenvalues = [1, 2]"
            refuse([Fault((), sorted(table), "exactly one of matrix and eigenvalues", fix)])
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
        """Return A and the centre."""
        a = np.diag(np.array(self.eigenvalues)) if self.matrix is None else np.array(self.matrix)
        return Numbers(table=a, vector=self.middle())
