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

from fastsde.integrate.cpu_ensemble import Blocks
from fastsde.integrate.integration import beginning
from fastsde.integrate.lowering import lower
from fastsde.system.errors import StudyError
from fastsde.system.threads import default_threads

if TYPE_CHECKING:
    from fastsde.study.study import Study

__all__ = ["Orders", "measure_orders", "orderable", "why_not_orderable"]

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
    strong_order, strong_order_error : float
        Slope of the strong difference in dt on log axes, by least squares, and its standard error over
        trajectories, which all levels share.
    weak_order, weak_order_error : float
        The same of the weak difference, over the dt at which it is above 3 standard errors; NaN with fewer
        than two.
    expected_strong : float
        The order that the scheme should have; NaN for none.
    trajectories : int
        Those that stayed finite at every dt.
    """

    dt: Array
    strong: Array
    strong_error: Array
    weak: Array
    weak_error: Array
    strong_order: float
    strong_order_error: float
    weak_order: float
    weak_order_error: float
    expected_strong: float
    trajectories: int


def _slope(dt: Array, size: Array, shares: Array) -> tuple[float, float]:
    """Return the slope of log `size` on log dt and its standard error.

    `shares` (levels, trajectories) are derivatives of log `size` in the weights of the trajectories: the
    error is that of their mean (delta method), correlations of the levels included.
    """
    if len(dt) < 2:
        return math.nan, math.nan
    x = np.log(dt) - np.log(dt).mean()
    weights = x / (x @ x)
    influence = weights @ shares
    return float(weights @ np.log(size)), float(influence.std() / math.sqrt(len(influence)))


def orderable(model: Any) -> bool:
    """Say whether a model has a dt to halve and noise that fine steps can share: Gaussian or none."""
    return not why_not_orderable(model)


def why_not_orderable(model: Any) -> str:
    """Say why a model has no order to measure; empty if it has one.

    Examples
    --------
    >>> from fastsde.study.models import Sde
    >>> why_not_orderable(Sde(noise="gradient", alpha=1.5))
    'its stable noise (alpha = 1.5) cannot be shared between steps of dt and of dt / 2'
    """
    return str(model.not_shared())


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
    why = why_not_orderable(model)
    if why:
        raise StudyError(f"models.{name} has no order to measure: {why}")
    ends = []
    for level in range(levels + 1):
        ends.append(_ends(study, name, level, levels, trajectories, threads or default_threads()))
        if on_level is not None:
            on_level(level)
    dt = model.dt(study.time.learning_rate) / 2.0 ** np.arange(levels)
    return _orders(np.asarray(dt), ends, _expected(study, model))


def _expected(study: Study, model: Any) -> float:
    """Return the strong order that Euler's steps should have: 1/2 where the noise depends on the point.

    NaN where that noise jumps with the gradient: steps of any length then decide differently
    on which side a trajectory stays.
    """
    if not model.multiplicative:
        return 1.0
    return 0.5 if study.objective.smooth else math.nan


def _ends(study: Study, name: str, level: int, finest: int, count: int, threads: int) -> Array:
    """Return the last points, (count, p), at ``substeps * 2^level``, driven by the noise of the finest."""
    from fastsde.kernels.cpu import Workers
    from fastsde.kernels.lanes import lane_count
    from fastsde.kernels.noise.coupled import Coupled
    from fastsde.problem.data import build_problem

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


def _orders(dt: Array, ends: list[Array], expected: float) -> Orders:
    """Compare the ends of each level with those of the next, trajectory by trajectory."""
    whole = np.all([np.isfinite(end).all(axis=1) for end in ends], axis=0)
    if whole.sum() < 2:
        raise StudyError(
            "no trajectories stay finite at every dt; take a smaller learning rate, or less time"
        )
    strong, weak, strong_shares, weak_shares = [], [], [], []
    for coarse, fine in pairwise(end[whole] for end in ends):
        distance = np.linalg.norm(coarse - fine, axis=1)
        strong.append((distance.mean(), distance.std()))
        change = np.hstack([coarse - fine, coarse**2 - fine**2])
        mean = change.mean(axis=0)
        size = float(np.linalg.norm(mean))
        weak.append((size, float(np.linalg.norm(change.std(axis=0)))))
        with np.errstate(invalid="ignore", divide="ignore"):  # no difference at all
            strong_shares.append(distance / distance.mean())
            weak_shares.append(change @ mean / size**2)
    (far, far_spread), (off, off_spread) = np.array(strong).T, np.array(weak).T
    root = math.sqrt(whole.sum())
    seen, clear = far > 0, (off > 3 * off_spread / root) & (off > 0)
    return Orders(
        dt,
        far,
        far_spread / root,
        off,
        off_spread / root,
        *_slope(dt[seen], far[seen], np.array(strong_shares)[seen]),
        *_slope(dt[clear], off[clear], np.array(weak_shares)[clear]),
        expected_strong=expected,
        trajectories=int(whole.sum()),
    )
