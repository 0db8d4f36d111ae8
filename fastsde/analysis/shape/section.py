"""Shape of the law of modes, loss and projections at every snapshot, with bootstrap errors."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fastsde.analysis.coordinates import median_loss
from fastsde.analysis.directions import directions
from fastsde.analysis.law import moment_limits
from fastsde.analysis.protocols import Floats, Trajectories
from fastsde.analysis.section_cost import Cost
from fastsde.analysis.sections import Section, register_section
from fastsde.analysis.shape.bootstrap import Interval, shape_intervals
from fastsde.analysis.shape.model_shape import ModelShape, gated, over_time, widened
from fastsde.analysis.shape.moments import denied_order
from fastsde.analysis.shape.shape_statistics import ORDERS
from fastsde.analysis.tails.estimators import hill
from fastsde.system.provenance import available_cores

if TYPE_CHECKING:
    from fastsde.analysis.context import Context

PROJECTED = ("modes", "end_to_end", "parameters")
"""Variables of which random projections are looked at, where they are recorded."""

BLOCK = 2**21
"""Numbers that are read at once to be projected: parameters of all trajectories may not fit in memory."""


@dataclass(frozen=True)
class ShapeSection:
    """Shape of every model's law.

    Attributes
    ----------
    quantities : tuple of str
        "mode 1", ..., "loss", and "modes along 1", ...: projections on random directions that are the same
        for all models and times, of modes in units of their strength.
    replicates : int
        Bootstrap samples behind each error.
    resampled : int
        Most trajectories that a bootstrap sample draws from.
    models : dict of str to ModelShape
    """

    quantities: tuple[str, ...]
    replicates: int
    resampled: int
    models: dict[str, ModelShape]


def measure(context: Context) -> ShapeSection | None:
    """Measure the shape of every model; None where neither modes nor loss is recorded."""
    quantities = _Quantities(context)
    if not quantities.names:
        return None
    first = next(iter(context.views.values()))
    rows: dict[str, list[ModelShape]] = {name: [] for name in context.views}
    branches = context.branches

    def add(name: str, snapshot: int) -> None:
        values, limit, denied = quantities.read(name, snapshot)
        settings = context.settings
        there = np.isfinite(values).all(axis=1)
        finite = values[there]
        intervals = _nothing(values.shape[1])
        if len(finite) >= 2:
            intervals = shape_intervals(finite, settings.bootstrap, settings.bootstrap_limit, settings.seed)
        if branches > 1:
            intervals = widened(intervals, finite, np.flatnonzero(there) // branches)
        rows[name].append(gated(intervals, len(finite), limit, denied))

    with ThreadPoolExecutor(min(len(rows), available_cores())) as threads:
        for snapshot in range(len(first.step)):
            list(threads.map(add, rows, [snapshot] * len(rows)))
    return ShapeSection(
        quantities=quantities.names,
        replicates=context.settings.bootstrap,
        resampled=context.settings.bootstrap_limit,
        models={name: over_time(found) for name, found in rows.items()},
    )


class _Quantities:
    """Reads all quantities of a model at a snapshot, as columns, with what is known of their moments."""

    def __init__(self, context: Context) -> None:
        self.context = context
        first = next(iter(context.views.values()))
        modes = len(context.strength) if context.recorded("modes") else 0
        self.plain = [name for name in ("modes", "loss") if context.recorded(name)]
        count = context.settings.projections
        self.along = {
            name: directions(_columns(first, name, 0, slice(1)).shape[1], count, context.settings.seed)
            for name in PROJECTED
            if context.recorded(name) and count
        }
        self.names: tuple[str, ...] = (
            *(f"mode {mode + 1}" for mode in range(modes)),
            *(name for name in self.plain if name == "loss"),
            *(f"{name} along {number + 1}" for name in self.along for number in range(count)),
        )
        self.scale = np.concatenate(
            [
                *(context.scale if name == "modes" else [self._start_loss()] for name in self.plain),
                *(np.full(count, 1.0 if name == "modes" else np.nan) for name in self.along),
            ]
        )

    def _start_loss(self) -> float:
        """Median loss of the reference's start, or the first model's; NaN of an energy."""
        views = self.context.views
        positive = self.context.ensemble.study.objective.positive
        return median_loss(views[self.context.reference or next(iter(views))]) if positive else math.nan

    def read(self, model: str, snapshot: int) -> tuple[Floats, Floats, Floats]:
        """Return values, shape (trajectory, quantity), limits, and orders that the sample denies."""
        view = self.context.views[model]
        recorded = [_columns(view, name, snapshot) for name in self.plain]
        projected = [self._projected(view, name, snapshot) for name in self.along]
        values = np.concatenate([*recorded, *projected], axis=1)
        known = self.context.moments.get(model)
        plain = sum(part.shape[1] for part in recorded)
        if known is None or known.denied.shape[1] != plain:  # a landscape's energy is no loss there
            return values, self._limits(model), _denied(values, self.scale)
        beyond = _denied(values[:, plain:], self.scale[plain:])
        return values, self._limits(model), np.concatenate([known.denied[snapshot], beyond])

    def _projected(self, view: Trajectories, name: str, snapshot: int) -> Floats:
        along = self.along[name]
        unit = self.context.scale if name == "modes" else 1.0
        values = np.empty((view.count, len(along)))
        rows = max(1, BLOCK // along.shape[1])
        for start in range(0, view.count, rows):
            chosen = slice(start, start + rows)
            values[chosen] = (_columns(view, name, snapshot, chosen) / unit) @ along.T
        return values

    def _limits(self, model: str) -> Floats:
        study = self.context.ensemble.study
        depth = len(study.widths) - 1
        law = study.models[model]
        parts = [
            moment_limits(law, depth, len(self.context.strength) if name == "modes" else 0, name == "loss")
            for name in self.plain
        ]
        parts += [
            moment_limits(law, 1 if name == "parameters" else depth, len(along), False)
            for name, along in self.along.items()
        ]
        return np.concatenate(parts)


def _columns(view: Trajectories, name: str, snapshot: int, trajectories: slice = slice(None)) -> Floats:
    values = np.asarray(view.read(name, snapshot, trajectories), dtype=np.float64)
    return values.reshape(len(values), -1)


def _denied(values: Floats, scale: Floats) -> Floats:
    finite = values[np.isfinite(values).all(axis=1)]
    if not len(finite):
        return np.full(values.shape[1], np.inf)
    median = np.median(finite, axis=0)
    high = np.array([hill.estimate(column).high for column in (finite - median).T])
    return denied_order(finite, median, high, scale)


def _nothing(columns: int) -> dict[str, Interval]:
    empty = np.full(columns, np.nan)
    return {name: Interval(empty, empty, empty, empty) for name in ORDERS}


SECTION = register_section(
    Section(
        name="shape",
        record=ShapeSection,
        measure=measure,
        order=40,
        cost=Cost(
            (0, 0, 0.000252, 0.00077, 2.14e-06, 1.62e-07, 0, 9.31e-06), threaded=True
        ),  # fitted over measured: 0.80 to 1.18
    )
)
