"""Section ``pairs``: the distance between any two models at the chosen snapshots."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fastsde.analysis.distances.battery import chosen_snapshots
from fastsde.analysis.distances.distance import distance
from fastsde.analysis.distances.existence import refusal
from fastsde.analysis.distances.metric import Compared, Frame, Metric
from fastsde.analysis.distances.metrics import BY_NAME, PRIMARY
from fastsde.analysis.distances.permutation import Relabelling
from fastsde.analysis.distances.points import Points
from fastsde.analysis.distances.versus import Tested, tested
from fastsde.analysis.law import time_weights
from fastsde.analysis.protocols import Floats
from fastsde.provenance import available_cores

if TYPE_CHECKING:
    from fastsde.analysis.sections import Context

KINDS = (PRIMARY, "energy")
OVER_TIME = 16
"""Snapshots, evenly among all after the start, whose mean is taken."""


@dataclass(frozen=True)
class Matrix:
    """One distance between all pairs of models.

    Attributes
    ----------
    value, null, p_value, count : ndarray, shape (chosen, model, model)
        Distance, its null quantile, p-value, trajectories a side; symmetric. On the diagonal the two halves
        of one model. NaN where the distance does not exist or too few survive.
    """

    value: Floats
    null: Floats
    p_value: Floats
    count: Floats

    @property
    def ratio(self) -> Floats:
        """Distance over its null quantile; above 1 is outside the band."""
        return np.asarray(self.value / np.where(self.null > 0, self.null, np.nan))


@dataclass(frozen=True)
class Pairs:
    """All pairs of models.

    Attributes
    ----------
    snapshot : ndarray of int, shape (chosen,)
    step : ndarray, shape (chosen,)
    names : tuple of str
        Models, in the order of the axes.
    kinds : dict of str to Matrix
        The squared MMD (by random features, of all trajectories) and "energy".
    over_time : Matrix
        The mean squared MMD over time, of `OVER_TIME` snapshots, arrays of shape (model, model).
    """

    snapshot: NDArray[np.int64]
    step: Floats
    names: tuple[str, ...]
    kinds: dict[str, Matrix]
    over_time: Matrix


def measure(context: Context) -> Pairs | None:
    """Compare the first half of each model with the second half of every other; None for a single model."""
    names = tuple(context.views)
    if len(names) < 2:
        return None
    settings = context.settings
    points = Points(context.ensemble, context.views, context.reference)
    frame = points.frame(settings)
    chosen = chosen_snapshots(points, context.reference or names[0], settings.chosen)
    half = points.half
    labels = {kind: BY_NAME[kind].labelling(half, frame) for kind in KINDS}
    shape = (4, len(chosen), len(names), len(names))
    found = {kind: np.full(shape, np.nan) for kind in KINDS}
    places = list(itertools.combinations_with_replacement(range(len(names)), 2))
    with ThreadPoolExecutor(available_cores()) as pool:
        for number, snapshot in enumerate(chosen):
            measured = {name: points.measured(name, int(snapshot))[:2] for name in names}

            def compare(kind: str, place: tuple[int, int], at: dict[str, tuple[Floats, float]]) -> Tested:
                pair = [names[place[0]], names[place[1]]]
                sides = at[pair[0]][0][:half], at[pair[1]][0][half : 2 * half]
                orders = {name: at[name][1] for name in pair}
                return _tested(BY_NAME[kind], *sides, orders, labels[kind], frame)

            for kind in KINDS:
                results = pool.map(compare, itertools.repeat(kind), places, itertools.repeat(measured))
                for (i, j), one in zip(places, results, strict=True):
                    row = (one.value, one.null, one.p_value, one.count)
                    found[kind][:, number, i, j] = found[kind][:, number, j, i] = row
    step = next(iter(context.views.values())).step[chosen].astype(np.float64)
    kinds = {kind: Matrix(*values) for kind, values in found.items()}
    return Pairs(chosen, step, names, kinds, _over_time(points, names, frame))


def _over_time(points: Points, names: tuple[str, ...], frame: Frame) -> Matrix:
    """Take the mean of the squared MMD over time for every two models, and for the halves of each."""
    metric, half = BY_NAME[PRIMARY], points.half
    relabelling = metric.labelling(half, frame)
    step = points.views[names[0]].step
    chosen = np.unique(np.linspace(0, len(step) - 1, OVER_TIME + 1).round().astype(np.int64))
    places = list(itertools.combinations_with_replacement(range(len(names)), 2))
    values = np.full((len(places), len(chosen), frame.settings.permutations + 1), np.nan)
    count = np.zeros((len(places), len(chosen)))
    for row, snapshot in enumerate(chosen):
        clouds = [points.at(name, int(snapshot)) for name in names]
        first, second = (
            [metric.sums(one[start : start + half], relabelling, frame) for one in clouds]
            for start in (0, half)
        )
        for pair, (i, j) in enumerate(places):
            found = metric.of_sums(first[i], second[j], relabelling, frame)
            count[pair, row] = found.count
            if found.values is not None:
                values[pair, row] = found.values
    weight = time_weights(step[chosen])
    matrices = np.full((4, len(names), len(names)), np.nan)
    for (i, j), one, several in zip(places, values, count, strict=True):
        mean = distance(one, several, weight=weight)
        numbers = (mean.mean, mean.mean_null, mean.mean_p, several.max())
        matrices[:, i, j] = matrices[:, j, i] = numbers
    return Matrix(*matrices)


def _tested(
    metric: Metric,
    first: Floats,
    second: Floats,
    orders: dict[str, float],
    labels: Relabelling,
    frame: Frame,
) -> Tested:
    if refusal(metric, frame.settings, orders):
        return tested(Compared(None, labels.size))
    return tested(metric.compare(first, second, labels, frame))
