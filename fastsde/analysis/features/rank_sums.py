"""Ranks of all models in one pass over blocks of trajectories, each followed through the snapshots.

A block's trajectories are followed from the first snapshot to the last, in all models at once. That gives
each its mean over time, and its rank where its loss first falls below each level, since only the snapshot
before is needed to know that; then the block is added to sums and forgotten. Memory depends neither on the
trajectories nor on the snapshots.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from fastsde.analysis.features.running import RunningCurve, RunningMean
from fastsde.analysis.protocols import Bools, Floats, Trajectories
from fastsde.study.observables.singular_values import effective_rank, stable_rank

KINDS = {"effective_rank": effective_rank, "stable_rank": stable_rank}
ROWS = 32_768
"""Trajectories of a block."""


@dataclass(frozen=True)
class Plan:
    """What is followed.

    Attributes
    ----------
    kinds : tuple of str
        Of `KINDS`.
    weights : ndarray, shape (snapshot,)
        Of snapshots in the mean over time.
    floor : float
        Least loss.
    levels : ndarray, shape (level,)
        Losses above it.
    """

    kinds: tuple[str, ...]
    weights: Floats
    floor: float
    levels: Floats


@dataclass
class RankSums:
    """Sums over trajectories of one kind of rank, or of its differences between two models.

    Attributes
    ----------
    over_time : RunningMean
        Shape (snapshot,).
    average : RunningMean
        Shape ().
    at_loss : RunningCurve
        Over levels.
    """

    over_time: RunningMean
    average: RunningMean
    at_loss: RunningCurve

    @classmethod
    def of(cls, plan: Plan) -> list[RankSums]:
        """Make empty sums for each kind."""
        snapshots, levels = len(plan.weights), len(plan.levels)
        return [cls(RunningMean(snapshots), RunningMean(), RunningCurve(levels)) for _ in plan.kinds]


def collect(
    views: Mapping[str, Trajectories], alive: Mapping[str, Bools], plan: Plan, paired_with: str
) -> tuple[dict[str, list[RankSums]], dict[str, list[RankSums]]]:
    """Sum up the ranks of all models, and the differences to one of them trajectory by trajectory.

    Parameters
    ----------
    views, alive : mapping of str to Trajectories and to ndarray, shape (trajectory,)
        Models, and which of their trajectories count.
    plan : Plan
    paired_with : str
        The model that others are subtracted from; empty if trajectories of one number are no pairs.

    Returns
    -------
    ranks, differences : dict of str to list of RankSums
        By model and kind; differences lack the model that the others are subtracted from.
    """
    ranks = {name: RankSums.of(plan) for name in views}
    differences = {name: RankSums.of(plan) for name in views if paired_with and name != paired_with}
    for start in range(0, max(view.count for view in views.values()), ROWS):
        rows = slice(start, start + ROWS)
        blocks = {name: _Block(view, rows, alive[name][rows], plan) for name, view in views.items()}
        for snapshot in range(len(plan.weights)):
            now = {name: block.advance(snapshot) for name, block in blocks.items()}
            for name, sums in ranks.items():
                _add_snapshot(sums, now[name], snapshot)
            for name, sums in differences.items():
                _add_snapshot(sums, _less(now[paired_with], now[name]), snapshot)
        for name, sums in ranks.items():
            _add_paths(sums, blocks[name].average, blocks[name].at_loss)
        for name, sums in differences.items():
            first, other = blocks[paired_with], blocks[name]
            _add_paths(sums, _less(first.average, other.average), _less(first.at_loss, other.at_loss))
    return ranks, differences


def _add_snapshot(sums: list[RankSums], rank: Floats, snapshot: int) -> None:
    for kind, one in enumerate(sums):
        one.over_time.add(rank[:, kind], snapshot)


def _add_paths(sums: list[RankSums], average: Floats, at_loss: Floats) -> None:
    for kind, one in enumerate(sums):
        one.average.add(average[:, kind])
        one.at_loss.add(at_loss[:, kind])


def _less(first: Floats, second: Floats) -> Floats:
    """Differences of the trajectories that both models have."""
    count = min(len(first), len(second))
    return np.asarray(first[:count] - second[:count])


class _Block:
    """Trajectories of one model on their way; NaN throughout for those that do not count."""

    def __init__(self, view: Trajectories, rows: slice, alive: Bools, plan: Plan) -> None:
        self.view, self.rows, self.alive, self.plan = view, rows, alive, plan
        self.average = np.where(alive[:, None], np.zeros(len(plan.kinds)), np.nan)
        self.at_loss = np.full((len(alive), len(plan.kinds), len(plan.levels)), np.nan)
        self._before: tuple[Floats, Floats] | None = None

    def advance(self, snapshot: int) -> Floats:
        """Go on to the next snapshot; return the ranks there, shape (row, kind)."""
        rank = np.where(self.alive[:, None], self._read(snapshot), np.nan)
        if self.plan.weights[snapshot] > 0:
            self.average += self.plan.weights[snapshot] * rank
        if len(self.plan.levels):
            loss = np.asarray(self.view.read("loss", snapshot, self.rows), dtype=np.float64) - self.plan.floor
            if self._before is not None:
                self._cross(self._before, (loss, rank))
            self._before = loss, rank
        return rank

    def _read(self, snapshot: int) -> Floats:
        values: dict[str, Floats] = {}
        names = {kind if kind in self.view.variables else "singular_values" for kind in self.plan.kinds}
        for name in names:
            values[name] = np.asarray(self.view.read(name, snapshot, self.rows), dtype=np.float64)
        columns = [
            values[kind] if kind in values else KINDS[kind](values["singular_values"])
            for kind in self.plan.kinds
        ]
        return np.stack(columns, axis=1)

    def _cross(self, before: tuple[Floats, Floats], now: tuple[Floats, Floats]) -> None:
        """Note the rank of trajectories whose loss has just fallen below a level, linear in its logarithm."""
        levels = self.plan.levels
        passed = [np.searchsorted(-levels, -loss, side="right") for loss, _ in (before, now)]
        moved = np.flatnonzero(self.alive & (passed[1] > passed[0]))
        first, last = passed[0][moved], passed[1][moved]
        for place in range(first.min(initial=len(levels)), last.max(initial=0)):
            rows = moved[(first <= place) & (place < last)]
            new = rows[np.isnan(self.at_loss[rows, 0, place])]
            start, end = np.log(before[0][new]), np.log(np.maximum(now[0][new], 1e-300))
            part = ((start - np.log(levels[place])) / (start - end))[:, None]
            self.at_loss[new, :, place] = before[1][new] + part * (now[1][new] - before[1][new])
