"""Does SGD favour low rank? Effective and stable rank over time and at equal loss, against each model.

At one time a model that learns more slowly has a lower rank for that reason alone; at equal loss it has not.
Both comparisons are given. The unit is the trajectory. Where models share their starting points differences
are taken trajectory by trajectory, otherwise between independent means.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fastsde.analysis import confidence
from fastsde.analysis.confidence import Interval
from fastsde.analysis.features.clock import Clock
from fastsde.analysis.protocols import Bools, Floats, Trajectories
from fastsde.observables import effective_rank, stable_rank

if TYPE_CHECKING:
    from fastsde.analysis.sections import Context

KINDS = {"effective_rank": effective_rank, "stable_rank": stable_rank}
LEVELS = 24
"""Losses at which ranks are compared."""


@dataclass(frozen=True)
class RankCourse:
    """One kind of rank in one model.

    Attributes
    ----------
    over_time : Interval
        Mean over trajectories at each snapshot, shape (snapshot,).
    average : Interval
        Mean over trajectories of the mean over time (over log time where snapshots are log-spaced).
    at_loss : Interval
        Mean at each of `Ranks.levels`, when the trajectory first has that loss; empty where no loss was
        recorded.
    difference, average_difference, difference_at_loss : Interval or None
        Reference less this model, of the three above; None for the reference.
    loss_average_difference : Interval or None
        Mean of ``difference_at_loss`` over levels, by the spread of trajectories' own means.
    """

    over_time: Interval
    average: Interval
    at_loss: Interval
    difference: Interval | None
    average_difference: Interval | None
    difference_at_loss: Interval | None
    loss_average_difference: Interval | None


@dataclass(frozen=True)
class ModelRanks:
    """Ranks of one model; a kind that was not recorded, nor the singular values, is None.

    Attributes
    ----------
    counted : int
        Trajectories without an explosion: the only ones here.
    effective, stable : RankCourse or None
    """

    counted: int
    effective: RankCourse | None
    stable: RankCourse | None


@dataclass(frozen=True)
class Ranks:
    """Ranks of all models.

    Attributes
    ----------
    paired : bool
        Differences are taken trajectory by trajectory.
    levels : ndarray, shape (level,)
        Losses above the least one, falling, at which ranks are compared.
    models : dict of str to ModelRanks
    """

    paired: bool
    levels: Floats
    models: dict[str, ModelRanks]


@dataclass(frozen=True)
class _Paths:
    """Ranks of the trajectories of a model: at snapshots, over time and at loss levels; (..., trajectory)."""

    course: Floats
    average: Floats
    at_loss: Floats


def measure(context: Context) -> Ranks | None:
    """Compare the ranks of all models with those of the reference."""
    kinds = [kind for kind in KINDS if context.recorded(kind) or context.recorded("singular_values")]
    if not kinds:
        return None
    paired = context.ensemble.study.start == "paired"
    levels = _levels(context)
    alive = {name: ~np.isfinite(view.passage_time("exploded")) for name, view in context.views.items()}
    courses: dict[str, dict[str, RankCourse]] = {name: {} for name in context.views}
    names = sorted(context.views, key=lambda name: name != context.reference)
    for kind in kinds:
        reference: _Paths | None = None
        for name in names:
            one = _follow(context, context.views[name], kind, levels, alive[name])
            courses[name][kind] = _course(one, None if name == context.reference else reference, paired)
            reference = one if name == context.reference else reference
    models = {
        name: ModelRanks(
            int(alive[name].sum()), courses[name].get("effective_rank"), courses[name].get("stable_rank")
        )
        for name in context.views
    }
    return Ranks(paired, levels, models)


def _levels(context: Context) -> Floats:
    """Losses above the least, from the median at the start to three times the median at the end."""
    view = context.views.get(context.reference) or next(iter(context.views.values()))
    floor = float(context.ensemble.problem.optimum_loss)
    if not context.recorded("loss") or not np.isfinite(floor):
        return np.empty(0)
    first, last = (float(np.nanmedian(view.read("loss", snapshot))) - floor for snapshot in (0, -1))
    if not 0 < 4 * last < first:
        return np.empty(0)
    return np.geomspace(0.9 * first, max(3 * last, 1e-6 * first), LEVELS)


def _follow(context: Context, view: Trajectories, kind: str, levels: Floats, alive: Bools) -> _Paths:
    """Pass over the snapshots; exploded trajectories are NaN throughout, whole paths are of the first few."""
    clock = Clock(view.step)
    weights = dict(zip(clock.snapshots.tolist(), clock.weights(), strict=True))
    floor = float(context.ensemble.problem.optimum_loss)
    average = np.zeros(view.count)
    at_loss = np.full((len(levels), view.count), np.nan)
    course: list[Floats] = []
    before: tuple[Floats, Floats] | None = None
    for snapshot in range(len(view.step)):
        rank = np.where(alive, _read(view, kind, snapshot), np.nan)
        course.append(rank)
        average += weights.get(snapshot, 0.0) * rank
        if len(levels):
            loss = np.asarray(view.read("loss", snapshot), dtype=np.float64) - floor
            if before is not None:
                _cross(at_loss, levels, before, (loss, rank))
            before = loss, rank
    return _Paths(np.stack(course), average, at_loss)


def _read(view: Trajectories, kind: str, snapshot: int) -> Floats:
    if kind in view.variables:
        return np.asarray(view.read(kind, snapshot), dtype=np.float64)
    return KINDS[kind](np.asarray(view.read("singular_values", snapshot), dtype=np.float64))


def _cross(
    at_loss: Floats, levels: Floats, before: tuple[Floats, Floats], now: tuple[Floats, Floats]
) -> None:
    """Note the rank of trajectories whose loss has just fallen below a level, linear in its logarithm."""
    for place, level in enumerate(levels):
        new = np.isnan(at_loss[place]) & (now[0] <= level) & (before[0] > level)
        if new.any():
            last, here = np.log(before[0][new]), np.log(np.maximum(now[0][new], 1e-300))
            part = (last - np.log(level)) / (last - here)
            at_loss[place, new] = before[1][new] + part * (now[1][new] - before[1][new])


def _course(mine: _Paths, reference: _Paths | None, paired: bool) -> RankCourse:
    pairs = [None, None, None, None] if reference is None else _differences(mine, reference, paired)
    return RankCourse(
        confidence.mean(mine.course.T),
        confidence.mean(mine.average),
        confidence.mean(mine.at_loss.T),
        *pairs,
    )


def _differences(mine: _Paths, reference: _Paths, paired: bool) -> list[Interval | None]:
    """Subtract the model from the reference: over time, on average, at each loss, on average over losses."""
    differences: list[Interval | None] = []
    for theirs, ours in (
        (reference.course.T, mine.course.T),
        (reference.average, mine.average),
        (reference.at_loss.T, mine.at_loss.T),
    ):
        differences.append(_difference(theirs, ours, paired))
    reached = np.isfinite(reference.at_loss).any(axis=1) & np.isfinite(mine.at_loss).any(axis=1)
    if not reached.any():
        return [*differences, None]
    means = [one.at_loss[reached].mean(axis=0) for one in (reference, mine)]
    return [*differences, _difference(means[0], means[1], paired)]


def _difference(theirs: Floats, ours: Floats, paired: bool) -> Interval:
    if paired:
        count = min(len(theirs), len(ours))
        return confidence.mean(theirs[:count] - ours[:count])
    return confidence.difference(confidence.mean(theirs), confidence.mean(ours))
