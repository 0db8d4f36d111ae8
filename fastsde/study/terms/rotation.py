"""Rotational drift: an antisymmetric matrix times the gradient."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator

from fastsde.study.fields import Count, Fault, Number, Section, refuse
from fastsde.study.setting import Setting, Where
from fastsde.study.terms.matrices import Rows, ragged
from fastsde.study.terms.term import TERMS, Term

__all__ = ["Rotation", "RotationalDrift"]

Array = NDArray[np.float64]


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
            fix = "write { matrix = [[0, 1], [-1, 0]] }, or { layer = 1, strength = 1.0 }"
            refuse([Fault((), self.model_dump(exclude_none=True), "exactly one of matrix and layer", fix)])
        if self.matrix is not None:
            if self.strength is not None:
                refuse([Fault(("strength",), self.strength, "strength only with layer", "scale the matrix")])
            values = None if ragged(self.matrix) else np.array(self.matrix)
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


class RotationalDrift(Term):
    """Adds ``J grad U``."""

    name: ClassVar[str] = "rotation"
    order: ClassVar[int] = 30
    equation: ClassVar[str] = "d theta = -(I + J) grad U dt, J^T = -J"
    drift: ClassVar[bool] = True

    def words(self, value: Rotation, model: Any) -> str:
        """Name the term."""
        return "a rotational term J grad U"

    def faults(self, value: Rotation, model: Any, setting: Setting, where: Where) -> Iterator[Fault]:
        """Check the size of the matrix, or the layer."""
        widths = setting.widths
        if value.matrix is not None and len(value.matrix) != setting.parameters:
            expected = f"{setting.parameters} rows, one a parameter"
            yield Fault((*where, "rotation", "matrix"), len(value.matrix), expected)
        if value.layer is None:
            return
        if value.layer > len(widths) - 1:
            yield Fault((*where, "rotation", "layer"), value.layer, f"a layer from 1 to {len(widths) - 1}")
        elif widths[value.layer] < 2:
            yield Fault((*where, "rotation", "layer"), value.layer, "a layer of two rows or more")

    def drift_parts(self, value: Rotation, model: Any, setting: Setting) -> Mapping[str, Any]:
        """Return the entries of J."""
        rows, columns, values = value.entries(setting.widths)
        return {"rows": rows, "columns": columns, "values": values}


TERMS.register(RotationalDrift())
