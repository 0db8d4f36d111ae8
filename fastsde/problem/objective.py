"""Objectives: what trajectories descend, as functions of the state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from fastsde.system.registry import Registry

if TYPE_CHECKING:
    from fastsde.problem.data import Problem
    from fastsde.study.objective import ObjectiveTraits
    from fastsde.study.study import Study

__all__ = ["OBJECTIVES", "Key", "Objective", "objective_of"]

Array = NDArray[Any]
Key = tuple[np.uint64, np.uint64]


class Objective(Protocol):
    """A loss with its gradient, its starting points, and its noise where it is a mean over samples.

    Points are arrays (points, p); a result has one row per point.
    """

    name: ClassVar[str]
    """The table of the study file that describes it."""

    def __init__(self, study: Study, problem: Problem | None = None) -> None:
        """Take what the study says, and its problem if that is built already."""

    @property
    def traits(self) -> ObjectiveTraits:
        """Sizes, what the objective supports, and its words."""

    @property
    def samples(self) -> int:
        """Samples that the loss is a mean over; 0 for a population, or if it is none."""

    def starting_points(self, normals: Array, first: int = 0) -> Array:
        """Turn the standard normals (trajectories, p) of trajectories `first`, ... into starting points."""

    def matching_points(self, where: str, key: Key) -> Array:
        """Return the points at which a temperature is matched: `where` is "start" or "minimum"."""

    def loss(self, points: Array) -> Array:
        """Return the loss, (points,)."""

    def gradient(self, points: Array) -> Array:
        """Return the gradient, (points, p)."""

    def sample_gradients(self, points: Array) -> Array | None:
        """Return the gradient of each sample's loss, (points, samples, p); None if there are no samples."""

    def noise_trace(self, points: Array) -> Array | None:
        """Return the trace of the covariance of one sample's gradient, (points,); None without samples."""

    def kernel_data(self) -> Any:
        """Return the objective as the kernels take it."""


OBJECTIVES: Registry[type[Objective]] = Registry("objective", "fastsde.problem.objectives")
"""Objectives by the table of the study file that describes them."""


def objective_of(study: Study, problem: Problem | None = None) -> Objective:
    """Return the objective of a study.

    Parameters
    ----------
    study : Study
    problem : Problem, optional
        `fastsde.problem.data.build_problem` of the study, if it is there already.

    Examples
    --------
    >>> from fastsde.study.study import Study
    >>> study = Study.from_mapping({
    ...     "trajectories": 1,
    ...     "landscape": {"kind": "double-well"},
    ...     "time": {"learning_rate": 0.1, "steps": 1},
    ...     "models": {"gd": {"kind": "gd"}},
    ... })
    >>> well = objective_of(study)
    >>> well.loss(np.array([[1.0], [0.0]])).tolist(), well.traits.vocabulary.loss
    ([-0.25, 0.0], 'energy')
    """
    return OBJECTIVES[study.objective.table](study, problem)
