"""The state of a range of trajectories between two integrator steps, from which integration continues."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from fastsde.system.brief import brief

__all__ = ["Checkpoint"]


@dataclass(frozen=True)
class Checkpoint:
    """Everything that integration needs to go on from a step, to the bit.

    The random numbers have no state, they are functions of seed, model, trajectory and step: the points and
    what was noted of them are all.

    Parameters
    ----------
    step : int
        Integrator steps done.
    snapshots : int
        Snapshots taken: those of steps before `step`, or with it at `step` itself.
    parameters : (trajectories, p) array
        The points, in the precision of the study; diverged ones as they are, not NaN throughout.
    diverged : (trajectories,) int64 array
        Step of the divergence, -1 never.
    passed : (trajectories, events) int64 array
        Steps of the first passages, -1 not yet: levels of the loss, then fractions by modes.
    """

    step: int
    snapshots: int
    parameters: NDArray[Any]
    diverged: NDArray[Any]
    passed: NDArray[Any]
    __repr__ = brief
