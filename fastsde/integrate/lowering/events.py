"""Events as the kernels look for them: levels, thresholds of modes, radii, intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastsde.integrate.lowering.sizes import cast
from fastsde.problem.saddles import next_size, saddle_map
from fastsde.study.stops import stop_masks

if TYPE_CHECKING:
    from fastsde.problem.data import Problem
    from fastsde.study.study import Study

__all__ = ["watched_events"]


def watched_events(study: Study, problem: Problem) -> Any:
    """Return the events of a study as the kernels take them."""
    from fastsde.kernels.layout import Events

    strength = np.where(problem.mode_strength > 0, problem.mode_strength, np.inf)
    fractions = np.array(study.events.mode_learned, dtype=float).reshape(-1, 1)
    intervals = study.events.intervals or ()
    ends = np.array([one.ends for one in intervals], dtype=float).reshape(-1, 2)
    watched = np.array([(one.mode - 1, one.outside is not None) for one in intervals], dtype=np.int64)
    watched = watched.reshape(-1, 2)
    return Events(
        every=study.events.every,
        levels=cast(study, np.array(study.events.loss_below, dtype=float)),
        thresholds=cast(study, fractions * strength),
        left=cast(study, _left_of(study, problem)),
        right=cast(study, problem.mode_right.T),
        radii=np.array(study.events.radii, dtype=float),
        intervals=cast(study, ends * _strength_of(problem, watched)),
        watched=watched,
        stops=stop_masks(study, problem.mode_strength).astype(np.int64),
        **_saddle_left(study, problem),
    )


def _left_of(study: Study, problem: Problem) -> NDArray[Any]:
    """Return the left factors of the modes; of a landscape these are what is observed itself."""
    return problem.mode_left.T if study.landscape is None else np.eye(study.objective.modes)


def _saddle_left(study: Study, problem: Problem) -> dict[str, Any]:
    """Return the map of the saddle that trajectories start at, and the distances from it; empty if none."""
    if not study.events.escapes:
        return {"saddle": cast(study, np.empty((0, 0))), "escapes": cast(study, np.empty(0))}
    kept = study.network.init.kept
    sizes = np.array(study.events.escapes) * next_size(problem, kept)
    return {"saddle": cast(study, saddle_map(problem, kept)), "escapes": cast(study, sizes)}


def _strength_of(problem: Problem, watched: NDArray[np.int64]) -> NDArray[Any]:
    """Return the strength of each watched mode, (intervals, 1); NaN, which nothing passes, if none."""
    strength = problem.mode_strength[watched[:, 0]]
    return np.where(strength > 0, strength, np.nan)[:, None]
