"""Sizes of a study's problem, and its arrays in the study's precision."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from fastsde.problem.data import Problem
    from fastsde.study.study import Study

__all__ = ["START_SAMPLE", "cast", "parameter_count", "sample_count"]

START_SAMPLE = 256
"""Starting points over which a temperature matched at the start is averaged."""


def cast(study: Study, array: NDArray[Any]) -> NDArray[Any]:
    """Return an array in the precision of the study, C-contiguous."""
    return np.ascontiguousarray(array, dtype=study.dtype)


def parameter_count(study: Study) -> int:
    """Return the number of parameters p, or of a landscape's coordinates."""
    return sum(a * b for a, b in pairwise(study.widths))


def sample_count(study: Study, problem: Problem) -> int:
    """Return how many samples the training loss is a mean of; 0 for a population or none."""
    if study.landscape is not None:
        return len(study.landscape.numbers().inputs)
    return 0 if problem.inputs is None else len(problem.inputs)
