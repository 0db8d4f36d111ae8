"""Measures effects (`fastsde.analysis.distances.effect`) of all pairs of models, snapshot by snapshot."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import lru_cache, partial

import numpy as np

from fastsde.analysis.distances.base import SMALLEST_SAMPLE
from fastsde.analysis.distances.effect import Effects
from fastsde.analysis.distances.jackknife import GROUPS, jackknife_error
from fastsde.analysis.distances.points import Points
from fastsde.analysis.distances.quantiles import LEVELS, Weights, central_quantiles
from fastsde.analysis.distances.samples import finite
from fastsde.analysis.distances.way import way_weights
from fastsde.analysis.protocols import Bools, Floats
from fastsde.system.progress import Progress, Silent
from fastsde.system.provenance import available_cores

DRAWS = 12
"""Bootstrap samples of a model, the effects between which say what sampling alone gives."""


class EffectSizes:
    """Gathers the effects of all pairs of models, snapshot by snapshot.

    Each half of a model's trajectories is compared with the other half of the other model's, both ways:
    samples are independent even where models share their starting points. Models that are independent may be
    compared whole.

    Parameters
    ----------
    names : sequence of str
        The models.
    coordinates : sequence of str
        Names of the coordinates; that of the loss begins with "log".
    count : int
        Trajectories per sample, in whole states.
    weight : ndarray, shape (snapshot,)
        Of each snapshot in the mean, from `fastsde.analysis.distances.way.way_weights`.
    branches : int
        Number of consecutive trajectories that start from one state.
    seed : int
        Of the bootstrap.
    whole : bool
        Whether a sample is the whole model, and not half of it.
    every_group : bool
        Whether to keep `left_out` of each snapshot too.

    Attributes
    ----------
    left_out : ndarray, shape (snapshot, group, model, model)
        The effects without each group of states; without snapshots unless these are kept.
    """

    def __init__(
        self,
        names: Sequence[str],
        coordinates: Sequence[str],
        count: int,
        weight: Floats,
        branches: int = 1,
        seed: int = 0,
        whole: bool = False,
        every_group: bool = False,
    ) -> None:
        self.names, self.count, self.weight = tuple(names), count, weight
        self.branches, self.seed = branches, seed
        self._samples = [slice(0, count)] if whole else [slice(0, count), slice(count, 2 * count)]
        self._loss = np.array([name.startswith("log") for name in coordinates], dtype=np.bool_)
        models = len(self.names)
        shape = (len(weight), models, models)
        self._value, self._modes, self._loss_part, self._error, self._shift = np.full((5, *shape), np.nan)
        self._sums = np.zeros((GROUPS, models, models))
        self.left_out = np.full((len(weight) if every_group else 0, GROUPS, models, models), np.nan)

    def tabulate(self, snapshot: int, points: Floats) -> tuple[Floats, Floats, float]:
        """Quantiles of one model at one snapshot, for `add`.

        Parameters
        ----------
        snapshot : int
        points : ndarray, shape (trajectory, coordinate)
            Not finite where a trajectory has diverged.

        Returns
        -------
        samples : ndarray, shape (sample, 1 + group, level, coordinate)
            Of each sample (either half, or the whole), then of it without each group; NaN if too few survive.
        sampling : ndarray, shape (3,)
            Effect between samples of this model, and its parts.
        median_loss : float
            Median log10 loss of all; NaN if it was not recorded.
        """
        used = points[: self._samples[-1].stop]
        there = finite(used)
        if min(int(there[part].sum()) for part in self._samples) < SMALLEST_SAMPLE:
            nothing = np.full((len(self._samples), 1 + GROUPS, len(LEVELS), used.shape[1]), np.nan)
            return nothing, np.full(3, np.nan), math.nan
        drawn = resamples(self.count, self.branches, (self.seed, snapshot))
        weights = np.concatenate([leaving_out(self.count, self.branches), drawn])
        quantiles = [
            central_quantiles(used[part][there[part]], weights[:, there[part]]) for part in self._samples
        ]
        tables, again = np.split(np.array(quantiles), [1 + GROUPS], axis=1)
        rows, columns = np.triu_indices(DRAWS, 1)
        between = np.abs(again[:, rows] - again[:, columns]).mean(axis=(0, 1, 2))
        median = float(np.median(used[there][:, self._loss])) if self._loss.any() else math.nan
        return tables, self._parts(between[None])[:, 0], median

    def add(self, snapshot: int, tables: Mapping[str, tuple[Floats, Floats, float]]) -> None:
        """Add a snapshot: what `tabulate` gives of every model."""
        samples = [tables[name][0] for name in self.names]
        for i, name in enumerate(self.names):
            parts = tables[name][1]
            self._value[snapshot, i, i], self._modes[snapshot, i, i], self._loss_part[snapshot, i, i] = parts
            self._shift[snapshot, i, i] = 0.0
            for j in range(i):
                both = np.abs(samples[i][0] - samples[j][-1]) + np.abs(samples[i][-1] - samples[j][0])
                self._set(snapshot, i, j, self._parts(both.mean(axis=1) / 2))
                moved = tables[name][2] - tables[self.names[j]][2]
                self._shift[snapshot, j, i], self._shift[snapshot, i, j] = moved, -moved

    def _set(self, snapshot: int, i: int, j: int, parts: Floats) -> None:
        """Keep the parts, shape (3, 1 + group), of one pair."""
        error = jackknife_error(parts[0, 1:])
        for a, b in ((i, j), (j, i)):
            self._value[snapshot, a, b], self._modes[snapshot, a, b], self._loss_part[snapshot, a, b] = parts[
                :, 0
            ]
            self._error[snapshot, a, b] = error
            if len(self.left_out):
                self.left_out[snapshot, :, a, b] = parts[0, 1:]
            if math.isfinite(parts[0, 0]):
                self._sums[:, a, b] += self.weight[snapshot] * parts[0, 1:]

    def _parts(self, columns: Floats) -> Floats:
        """Mean over all coordinates, over the modes, and the loss, of values of shape (.., coordinate)."""
        nothing = np.full(columns.shape[:-1], np.nan)
        modes, loss = columns[..., ~self._loss], columns[..., self._loss]
        return np.array(
            [
                columns.mean(axis=-1),
                modes.mean(axis=-1) if modes.shape[-1] else nothing,
                loss.mean(axis=-1) if loss.shape[-1] else nothing,
            ]
        )

    def result(self) -> Effects:
        """Return what was gathered."""
        known = np.isfinite(self._value)
        covered = np.einsum("s,sij->ij", self.weight, known)
        return Effects(
            names=self.names,
            weight=self.weight,
            value=self._value,
            modes=self._modes,
            loss=self._loss_part,
            error=self._error,
            shift=self._shift,
            left_out=self._sums / np.where(covered > 0, covered, np.nan),
            count=self.count,
        )


@lru_cache(maxsize=8)
def leaving_out(size: int, branches: int) -> Weights:
    """Weights of a sample whole and without each group of states, shape (1 + group, trajectory).

    Groups are consecutive and the same of every model, so that the jackknife holds for models that share
    their starting points too. With fewer states than groups, the rows left over have no weight at all.
    """
    states = max(size // branches, 1)
    groups = min(GROUPS, states)
    of_state = np.arange(states) * groups // states
    weights = np.zeros((1 + GROUPS, states), dtype=np.uint8)
    weights[: 1 + groups] = 1
    weights[1 + of_state, np.arange(states)] = 0
    return np.repeat(weights, branches, axis=1)[:, :size]


def resamples(size: int, branches: int, seed: tuple[int, int]) -> Weights:
    """Draw `DRAWS` samples of the size of this one, in whole states with replacement, as weights."""
    states = size // branches
    generator = np.random.Generator(np.random.Philox(list(seed)))
    drawn = generator.integers(0, states, (DRAWS, states))
    weights = np.array([np.bincount(row, minlength=states) for row in drawn], dtype=np.uint8)
    return np.repeat(weights, branches, axis=1)


def measure_effects(points: Points, reference: str, seed: int, progress: Progress | None = None) -> Effects:
    """Measure the effects between all models, one snapshot at a time.

    Parameters
    ----------
    points : Points
        Of the ensemble.
    reference : str
        The model whose way is the course of learning; empty for the first.
    seed : int
        Of the bootstrap.
    progress : Progress, optional
        Told how many snapshots are done.
    """
    names = tuple(points.views)
    same = np.ones((len(names), len(names)), dtype=np.bool_)
    weight = way_weights(points.way(reference or names[0]))
    sizes = EffectSizes(names, points.coordinates, points.half, weight, points.branches, seed)
    progress = progress or Silent()
    with (
        progress.task("effects", len(weight), "snapshots"),
        ThreadPoolExecutor(min(len(names), available_cores())) as pool,
    ):
        for snapshot in range(len(weight)):
            here = points.equal(snapshot, pool.map)
            same &= _equal([here[name] for name in names])
            tabulate = partial(_tabulated, sizes, snapshot, here)
            sizes.add(snapshot, dict(zip(names, pool.map(tabulate, names), strict=True)))
            progress.update(snapshot + 1)
    return replace(sizes.result(), coincide=same.astype(np.int64))


def _tabulated(
    sizes: EffectSizes, snapshot: int, points: Mapping[str, Floats], name: str
) -> tuple[Floats, Floats, float]:
    return sizes.tabulate(snapshot, points[name])


def _equal(points: Sequence[Floats]) -> Bools:
    """Which models have the same points, trajectory by trajectory; the longer is cut."""
    size = min(map(len, points))
    return np.array(
        [[np.array_equal(a[:size], b[:size], equal_nan=True) for b in points] for a in points], dtype=np.bool_
    )
