"""Section ``pairs``: tests of the equality of any two models, over the course of learning."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fastsde.analysis.distances.base import Compared, Distance
from fastsde.analysis.distances.clouds import Clouds
from fastsde.analysis.distances.existence import refusal
from fastsde.analysis.distances.registry import between_all_pairs
from fastsde.analysis.distances.significance import Significance, combine
from fastsde.analysis.distances.tested import over_null, tested
from fastsde.analysis.distances.way import equal_shares
from fastsde.analysis.protocols import Floats
from fastsde.analysis.records import stack
from fastsde.analysis.section_cost import Cost
from fastsde.analysis.sections import Section, register_section
from fastsde.system.provenance import available_cores

if TYPE_CHECKING:
    from fastsde.analysis.context import Context

SHARES = 16
"""Snapshots between equal shares of the way at which distances of linear cost are measured too."""


@dataclass(frozen=True)
class Matrix:
    """One distance between all pairs of models.

    Attributes
    ----------
    value, null, p_value, count : ndarray, shape (chosen, model, model)
        Distance, its null quantile, p-value, trajectories per sample; symmetric. On the diagonal the two
        halves of one model. NaN where the distance does not exist or too few survive.
    """

    value: Floats
    null: Floats
    p_value: Floats
    count: Floats

    @property
    def ratio(self) -> Floats:
        """Distance over its null quantile; above 1 is outside the band."""
        return over_null(self.value, self.null)


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
        By name, those distances that are declared for all pairs: the squared MMD by random features, of all
        trajectories, and the energy distance.
    p_value : ndarray, shape (model, model)
        Of the hypothesis that two models are equal (`fastsde.analysis.distances.significance`). For pairs
        with the reference that of `ModelResult.significance`, by all distances at all snapshots; for all
        other pairs by these distances at the chosen snapshots and, the MMD, at up to 16 more: a test that
        finds less than `fastsde compare` does. NaN where none exists.
    """

    snapshot: NDArray[np.int64]
    step: Floats
    names: tuple[str, ...]
    kinds: dict[str, Matrix]
    p_value: Floats

    def with_reference(self, reference: str, known: Mapping[str, Significance | None]) -> Pairs:
        """Return these pairs with the p-values of the models against the reference, by one procedure."""
        p_value = self.p_value.copy()
        if reference in self.names:
            row = self.names.index(reference)
            for column, name in enumerate(self.names):
                test = known[name]
                p_value[row, column] = p_value[column, row] = np.nan if test is None else test.p_value
        return replace(self, p_value=p_value)


def measure(context: Context) -> Pairs | None:
    """Compare the first half of each model with the second half of every other; None for a single model."""
    names = tuple(context.views)
    if len(names) < 2:
        return None
    trial = _Trial(context, names)
    for row in range(len(trial.snapshots)):
        trial.add(row)
    return trial.result()


class _Trial:
    """Gathers the distances of all pairs under all labellings, snapshot by snapshot."""

    def __init__(self, context: Context, names: tuple[str, ...]) -> None:
        self.names, self.points = names, context.points
        self.frame = self.points.frame(context.settings)
        self.step = context.views[names[0]].step
        length = self.points.way(context.reference or names[0])
        self.chosen = equal_shares(length, context.settings.chosen)
        self.snapshots = np.union1d(self.chosen, equal_shares(length, SHARES))
        self.places = list(itertools.combinations_with_replacement(range(len(names)), 2))
        self.distances = between_all_pairs()
        self.labels = {one.name: one.labelling(self.points.half, self.frame) for one in self.distances}
        shape = (len(self.places), len(self.snapshots), self.frame.settings.permutations + 1)
        self.values = {kind: np.full(shape, np.nan) for kind in self.labels}
        self.count = {kind: np.zeros(shape[:2]) for kind in self.labels}

    def add(self, row: int) -> None:
        """Measure one snapshot: distances of linear cost, and the others where it is one of the chosen."""
        snapshot = int(self.snapshots[row])
        clouds = self.points.clouds(snapshot, self.frame)
        for distance in self.distances:
            if distance.linear or snapshot in self.chosen:
                self._measure(distance, row, clouds)

    def _measure(self, distance: Distance, row: int, clouds: Clouds) -> None:
        """Compare the first half of each model with the second half of every other by one distance."""
        points, half = list(clouds.points.values()), self.points.half
        firsts, seconds = ([one[start : start + half] for one in points] for start in (0, half))
        labels = self.labels[distance.name]
        expected = [
            number for number, place in enumerate(self.places) if not self._refused(distance, clouds, place)
        ]
        self.count[distance.name][:, row] = labels.size
        with ThreadPoolExecutor(available_cores()) as pool:
            compared = distance.compare_pairs(
                firsts, seconds, [self.places[number] for number in expected], labels, clouds.frame, pool.map
            )
        for number, outcome in zip(expected, compared, strict=True):
            self._keep(distance.name, number, row, outcome)

    def _refused(self, distance: Distance, clouds: Clouds, place: tuple[int, int]) -> str:
        orders = {self.names[number]: clouds.orders[self.names[number]] for number in place}
        return refusal(distance, self.frame.settings, orders)

    def _keep(self, kind: str, pair: int, row: int, compared: Compared) -> None:
        self.count[kind][pair, row] = compared.count
        if compared.values is not None:
            self.values[kind][pair, row] = compared.values

    def result(self) -> Pairs:
        """Reduce what was gathered."""
        rows = np.flatnonzero(np.isin(self.snapshots, self.chosen))
        together = [
            combine({kind: values[pair] for kind, values in self.values.items()}).p_value
            for pair in range(len(self.places))
        ]
        return Pairs(
            snapshot=self.chosen,
            step=self.step[self.chosen].astype(np.float64),
            names=self.names,
            kinds={kind: stack([self._matrix(kind, int(row)) for row in rows]) for kind in self.values},
            p_value=self._square(np.array(together)),
        )

    def _matrix(self, kind: str, row: int) -> Matrix:
        tests = [
            tested(Compared(values, int(count)))
            for values, count in zip(self.values[kind][:, row], self.count[kind][:, row], strict=True)
        ]
        columns = ("value", "null", "p_value", "count")
        return Matrix(*[self._square(np.array([getattr(test, name) for test in tests])) for name in columns])

    def _square(self, values: Floats) -> Floats:
        """Put one value for each pair into a symmetric matrix."""
        matrix = np.full((len(self.names),) * 2, np.nan)
        for (i, j), value in zip(self.places, values, strict=True):
            matrix[i, j] = matrix[j, i] = value
        return matrix


SECTION = register_section(
    Section(
        name="pairs",
        record=Pairs,
        measure=measure,
        order=20,
        finish=Pairs.with_reference,
        cost=Cost(
            (0, 0.00632, 0, 0, 3.14e-05, 3.56e-07, 0, 5.44e-06), threaded=True
        ),  # fitted over measured: 0.54 to 1.33
    )
)
