"""Does SGD favour low rank? Effective and stable rank over time and at equal loss, against each model.

At equal time, a model that learns more slowly has a lower rank for that reason alone; at equal loss it does
not. Both comparisons are given. The unit is the trajectory. Where models share their starting points
differences are taken trajectory by trajectory, otherwise between independent means.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fastsde.analysis import confidence
from fastsde.analysis.confidence import Interval
from fastsde.analysis.coordinates import median_loss
from fastsde.analysis.features.rank_sums import KINDS, Plan, RankSums, collect
from fastsde.analysis.late_window import survivors
from fastsde.analysis.law import time_weights
from fastsde.analysis.protocols import Bools, Floats
from fastsde.analysis.section_cost import Cost
from fastsde.analysis.sections import Section, of_networks, register_section

if TYPE_CHECKING:
    from fastsde.analysis.context import Context

LEVELS = 24
"""Losses at which ranks are compared."""
REACHED = 0.9
"""A level that fewer of the trajectories pass is left out of the mean over levels: they are the fastest."""


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
        Mean of ``difference_at_loss`` over the levels that nine tenths of the trajectories pass in both
        models; None where there is no such level.
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
        Trajectories without an divergence: the only ones here.
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


def measure(context: Context) -> Ranks | None:
    """Compare the ranks of all models with those of the reference."""
    kinds = [kind for kind in KINDS if context.recorded(kind) or context.recorded("singular_values")]
    if not kinds:
        return None
    paired = context.ensemble.study.start == "paired"
    step = next(iter(context.views.values())).step
    floor = float(context.ensemble.problem.optimum_loss)
    plan = Plan(tuple(kinds), time_weights(step), floor, _levels(context))
    alive = {name: survivors(view) for name, view in context.views.items()}
    ranks, differences = collect(context.views, alive, plan, context.reference if paired else "")
    models = {}
    for name in context.views:
        found = {}
        for place, kind in enumerate(kinds):
            reference = ranks[context.reference][place] if context.reference not in ("", name) else None
            pairs = differences[name][place] if name in differences else None
            found[kind] = _course(ranks[name][place], reference, pairs)
        counted = int(alive[name].sum())
        models[name] = ModelRanks(counted, found.get("effective_rank"), found.get("stable_rank"))
    return Ranks(paired, plan.levels, models)


def _levels(context: Context) -> Floats:
    """Losses above the least, from the median at the start to three times the median at the end."""
    view = context.views.get(context.reference) or next(iter(context.views.values()))
    floor = float(context.ensemble.problem.optimum_loss)
    if not context.recorded("loss") or not np.isfinite(floor):
        return np.empty(0)
    first, last = (median_loss(view, snapshot) - floor for snapshot in (0, -1))
    if not 0 < 4 * last < first:
        return np.empty(0)
    return np.geomspace(0.9 * first, max(3 * last, 1e-6 * first), LEVELS)


def _course(mine: RankSums, reference: RankSums | None, pairs: RankSums | None) -> RankCourse:
    """Put one kind of rank together; differences are those of pairs where there are any."""
    means = _means(mine)
    if reference is None:
        return RankCourse(*means, None, None, None, None)
    levels = _passed(reference) & _passed(mine)
    if pairs is not None:
        over_levels = pairs.at_loss.average(levels)
        return RankCourse(*means, *_means(pairs), over_levels if levels.any() else None)
    over_time, average, at_loss, over_levels = (
        confidence.difference(*two)
        for two in zip(
            (*_means(reference), reference.at_loss.average(levels)),
            (*means, mine.at_loss.average(levels)),
            strict=True,
        )
    )
    return RankCourse(*means, over_time, average, at_loss, over_levels if levels.any() else None)


def _means(sums: RankSums) -> tuple[Interval, Interval, Interval]:
    """Means at each snapshot, over time, and at each loss."""
    return sums.over_time.interval(), sums.average.interval(), sums.at_loss.each()


def _passed(sums: RankSums) -> Bools:
    """Levels that enough of the trajectories pass."""
    return np.asarray(sums.at_loss.count >= np.maximum(2.0, REACHED * sums.average.count))


SECTION = register_section(
    Section(
        name="rank",
        record=Ranks,
        measure=measure,
        order=90,
        applies=of_networks,
        cost=Cost(
            (0, 0, 4.78e-05, 2.29e-05, 3.77e-06, 2e-08, 6.5e-07, 4.81e-08)
        ),  # fitted over measured: 0.72 to 1.25
    )
)
