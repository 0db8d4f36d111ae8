"""Sizes of a study's problem, and its arrays in the study's precision."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from fastsde.study.study import Study

__all__ = ["cast", "parameter_count", "sample_count"]


def cast(study: Study, array: NDArray[Any]) -> NDArray[Any]:
    """Return an array in the precision of the study, C-contiguous."""
    return np.ascontiguousarray(array, dtype=study.dtype)


def parameter_count(study: Study) -> int:
    """Return the number of parameters p of a study's objective."""
    return study.objective.dimension


def sample_count(study: Study) -> int:
    """Return how many samples the training loss is a mean of; 0 for a population or none."""
    return study.objective.samples or 0
