"""Orders of convergence: how fast the error of a model's steps falls when dt is halved.

All levels are driven by the same noise: a coarse step takes the sum of the normals of the fine steps inside
it. Each level is compared with the next, of half its dt: the strong difference is ``E |X_h - X_{h/2}|`` at
the end, the weak one ``|E f(X_h) - E f(X_{h/2})|``, f the coordinates and their squares. Both fall as the
error does, ``h^order``, without the bias of a reference that is itself discrete. Euler's steps have weak
order 1, and strong order 1 where the noise does not follow the state, 1/2 where it does (Kloeden and Platen
1992, chapters 10 and 14).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastsde.blocks import Blocks
from fastsde.dynamics import GradientDescent, Sde
from fastsde.ensemble import beginning
from fastsde.errors import StudyError
from fastsde.granted import default_threads
from fastsde.lowering import lower

if TYPE_CHECKING:
    from fastsde.study import Study

__all__ = ["Orders", "measure_orders", "orderable"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Orders:
    """Differences of one model between each dt and its half, coarsest first, and the orders they show.

    Parameters
    ----------
    dt : (levels,) array
    strong, strong_error : (levels,) arrays
        ``E |X_h - X_{h/2}|`` and its standard error.
    weak, weak_error : (levels,) arrays
        ``|E f(X_h) - E f(X_{h/2})|``, the norm over all f; and its standard error.
    expected_strong : float
        The order that the scheme should have.
    """

    dt: Array
    strong: Array
    strong_error: Array
    weak: Array
    weak_error: Array
    expected_strong: float

    @property
    def strong_order(self) -> float:
        """Slope of the strong error in dt on log axes, by least squares."""
        return _slope(self.dt, self.strong)

    @property
    def weak_order(self) -> float:
        """The same of the weak error."""
        return _slope(self.dt, self.weak)


def _slope(dt: Array, error: Array) -> float:
    known = error > 0
    if known.sum() < 2:
        return math.nan
    return float(np.polyfit(np.log(dt[known]), np.log(error[known]), 1)[0])


def orderable(model: Any) -> bool:
    """Say whether a model has a dt to halve and noise that fine steps can share: Gaussian or none."""
    if isinstance(model, GradientDescent):
        return model.momentum is None
    gaussian = isinstance(model, Sde) and model.alpha == 2 and model.jumps is None
    return gaussian and model.subordination is None


def measure_orders(
    study: Study,
    name: str,
    *,
    trajectories: int = 1024,
    levels: int = 5,
    threads: int | None = None,
    on_level: Callable[[int], None] | None = None,
) -> Orders:
    """Measure strong and weak order of a model of a study, at the end of its time.

    Parameters
    ----------
    study : Study
        Its `substeps` are the coarsest level.
    name : str
    trajectories : int, default 1024
        A multiple of the lanes of a block is best.
    levels : int, default 5
        Steps dt, dt/2, ..., ``dt / 2^(levels - 1)``, each beside its half.
    threads : int, optional
    on_level : callable, optional
        Called with the number of a level when it is done.

    Raises
    ------
    StudyError
        If the model has no order to measure.
    """
    model = study.models[name]
    if not orderable(model):
        raise StudyError(
            f"models.{name} has no order to measure: it needs a dt to halve and Gaussian noise or "
            "none, on the ordinary clock and without momentum"
        )
    ends = []
    for level in range(levels + 1):
        ends.append(_ends(study, name, level, levels, trajectories, threads or default_threads()))
        if on_level is not None:
            on_level(level)
    rows = [_differences(coarse, fine) for coarse, fine in pairwise(ends)]
    strong, strong_error, weak, weak_error = np.array(rows).T
    return Orders(
        np.asarray(model.dt(study.time.learning_rate) / 2.0 ** np.arange(levels)),
        strong,
        strong_error,
        weak,
        weak_error,
        expected_strong=0.5 if _follows_state(model) else 1.0,
    )


def _follows_state(model: Any) -> bool:
    """Say whether the noise depends on the point."""
    if not isinstance(model, Sde):
        return False
    return model.noise == "gradient" or model.match_at == "local"


def _ends(study: Study, name: str, level: int, finest: int, count: int, threads: int) -> Array:
    """Return the last points, (count, p), at ``substeps * 2^level``, driven by the noise of the finest."""
    from fastsde.data import build_problem
    from fastsde.kernels.components import Coupled
    from fastsde.kernels.cpu import Workers
    from fastsde.kernels.lanes import lane_count

    model = study.models[name]
    table = study.to_mapping()["models"][name] | {"substeps": model.substeps << level}
    fine = study.replace(models={name: table})
    lowered = lower(fine, name, build_problem(fine), clock=Coupled(ratio=1 << (finest - level)))
    lanes = lane_count(study.dtype)
    sizes = lowered.network.size * lanes, lowered.choice * lanes
    with Workers(threads, *sizes, study.dtype) as workers:
        blocks = Blocks(lowered, workers, 0, count, beginning(fine, lowered, 0, count, None))
        blocks.advance(fine.time.steps * fine.models[name].substeps)
        points = blocks.checkpoint(0).parameters[:, : lowered.network.parameters]
    return points.astype(np.float64)


def _differences(coarse: Array, fine: Array) -> tuple[float, float, float, float]:
    """Return the strong difference and its standard error, the weak difference and its standard error."""
    whole = np.isfinite(coarse).all(axis=1) & np.isfinite(fine).all(axis=1)
    coarse, fine = coarse[whole], fine[whole]
    root = math.sqrt(len(coarse))
    distance = np.linalg.norm(coarse - fine, axis=1)
    change = np.hstack([coarse - fine, coarse**2 - fine**2])
    mean, error = change.mean(axis=0), change.std(axis=0) / root
    return (
        float(distance.mean()),
        float(distance.std() / root),
        float(np.linalg.norm(mean)),
        float(np.linalg.norm(error)),
    )
