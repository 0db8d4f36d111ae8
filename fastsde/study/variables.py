"""The variables of files: dimensions by name, units, meaning and type."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["KINDS", "Variable"]

KINDS = ("float", "float64", "int64")
"""Types of a variable on disk; "float" is the study's dtype."""


@dataclass(frozen=True)
class Variable:
    """One variable of a file.

    Parameters
    ----------
    dims : tuple of str
        Names of its dimensions.
    long_name : str
        Its meaning.
    units : str
    kind : {"float", "float64", "int64"}
        Its type; "float" is the study's dtype.
    """

    dims: tuple[str, ...]
    long_name: str
    units: str = "1"
    kind: str = "float"

    def dtype(self, study_dtype: str) -> np.dtype[Any]:
        """Return the type on disk in a study of floating-point type `study_dtype`."""
        return np.dtype(study_dtype if self.kind == "float" else self.kind)

    @property
    def fill(self) -> float | int:
        """Value where nothing was recorded: NaN, or -1 for an integer."""
        return -1 if self.kind == "int64" else np.nan

    def shape(self, sizes: Mapping[str, int]) -> tuple[int, ...]:
        """Return the shape when the dimensions have these sizes."""
        return tuple(sizes[dim] for dim in self.dims)
