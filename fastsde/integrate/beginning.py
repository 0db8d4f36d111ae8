"""The state of trajectories before the first step: drawn on the host, or told to a device that draws it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastsde.integrate.checkpoint import Checkpoint
from fastsde.problem.objective import objective_of
from fastsde.system.errors import RequestError

if TYPE_CHECKING:
    from fastsde.integrate.lowering import Lowered
    from fastsde.problem.initial_points import AffineStart
    from fastsde.study.study import Study

__all__ = ["Beginning", "beginning"]

Array = NDArray[Any]


@dataclass(frozen=True)
class Beginning:
    """The state before the first step, where it need not be made on the host.

    Parameters
    ----------
    study, lowered
    first, count : int
        The range of trajectories.
    start : (count, p) array, optional
        Given starting points.
    """

    study: Study
    lowered: Lowered
    first: int
    count: int
    start: Array | None = None
    step = 0
    snapshots = 0

    def affine(self) -> AffineStart | None:
        """Return what starting points are made of normals, if they are drawn and affine in these."""
        if self.start is not None or self.study.starts_from_states:
            return None
        made = getattr(objective_of(self.study), "affine_start", None)
        recipe: AffineStart | None = None if made is None else made()
        return recipe

    def points(self) -> Array:
        """Return the starting points, (count, p), without what a step carries besides."""
        from fastsde.kernels.cpu import standard_normals

        if self.start is None and self.study.starts_from_states:
            raise RequestError("the study starts from states of another run: pass them as start")
        if self.start is not None:
            return np.asarray(self.start, dtype=self.study.dtype)
        low, study = self.lowered, self.study
        normals = standard_normals(low.network.parameters, self.first, self.count, low.start_key, study.dtype)
        return np.asarray(objective_of(study).starting_points(normals, self.first), dtype=study.dtype)


def beginning(study: Study, lowered: Lowered, first: int, count: int, start: Array | None) -> Checkpoint:
    """Return the state before the first step, on the host."""
    points = Beginning(study, lowered, first, count, start).points()
    return Checkpoint(
        step=0,
        snapshots=0,
        parameters=np.pad(points, ((0, 0), (0, lowered.carried))),
        diverged=np.full(count, -1, dtype=np.int64),
        passed=np.full((count, lowered.passages), -1, dtype=np.int64),
    )
