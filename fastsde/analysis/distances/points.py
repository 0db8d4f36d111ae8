"""The points of an ensemble that distances compare, one model and snapshot at a time."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from fastsde.analysis import coordinates
from fastsde.analysis.distances.base import Frame
from fastsde.analysis.distances.clouds import ROUNDING, Clouds, equal_to_rounding, placed
from fastsde.analysis.distances.existence import moment_order
from fastsde.analysis.distances.samples import surviving
from fastsde.analysis.distances.way import path_length
from fastsde.analysis.law import branches_of, moment_limits
from fastsde.analysis.protocols import Ensemble, Floats, Trajectories
from fastsde.analysis.shape.moments import Moments, moments
from fastsde.system.errors import RequestError

if TYPE_CHECKING:
    from fastsde.analysis.settings import Settings

Apply = Callable[[Callable[[str], Any], Iterable[str]], Iterable[Any]]
"""As `map`."""

MEDIANS = 512
"""Trajectories whose medians say how far a model has come."""


class Points:
    """Modes as shares of their strength and log10 loss, as far as they were recorded.

    Parameters
    ----------
    ensemble : Ensemble
        The open ensemble.
    views : mapping of str to Trajectories
        Its models.
    reference : str
        The model whose start sets the floor of the loss; empty for the first.

    Attributes
    ----------
    has_modes, has_loss : bool
        What was recorded, by all models.
    strength, scale : ndarray, shape (mode,)
        Singular values of the optimum, and what modes are divided by.
    branches : int
        Number of consecutive trajectories that start from one state.
    half : int
        Trajectories of half a sample, in whole states.

    Raises
    ------
    RequestError
        If neither modes nor loss were recorded.
    """

    def __init__(self, ensemble: Ensemble, views: Mapping[str, Trajectories], reference: str) -> None:
        self.views = views
        self._study: Any = ensemble.study
        self.has_modes, self.has_loss = (
            all(name in view.variables for view in views.values()) for name in ("modes", "loss")
        )
        if not self._study.objective.positive:  # an energy may be negative: it has no logarithm
            self.has_loss = False
        if not (self.has_modes or self.has_loss):
            raise RequestError('nothing to analyse: record.observables has neither "modes" nor "loss"')
        self.strength: Floats = np.asarray(ensemble.problem.mode_strength, dtype=np.float64)
        self.scale = coordinates.mode_scale(self.strength)
        self.branches = branches_of(self._study)
        self.half = min(view.count for view in views.values()) // 2 // self.branches * self.branches
        first = views[reference or next(iter(views))]
        self._start_loss = coordinates.median_loss(first) if self.has_loss else math.nan
        self._rounding_unit = float(np.finfo(self._study.dtype).eps)
        floor = max(1e-15, self._rounding_unit**2)
        self._floor = floor * self._start_loss if self._start_loss > 0 else 1e-300
        self._ways: dict[str, Floats] = {}

    @property
    def modes(self) -> int:
        """Number of modes among the coordinates."""
        return len(self.strength) if self.has_modes else 0

    @property
    def coordinates(self) -> tuple[str, ...]:
        """Names of the coordinates."""
        words = self._study.objective.vocabulary
        return coordinates.feature_names(self.modes, self.has_loss, words.mode_name)

    @property
    def quantities(self) -> tuple[str, ...]:
        """Names of the columns of the moments that `measured` returns."""
        return (*(f"mode {a + 1}" for a in range(self.modes)), *(("loss",) if self.has_loss else ()))

    def read(self, name: str, snapshot: int) -> tuple[Floats | None, Floats | None]:
        """Modes, shape (trajectory, mode), and losses, shape (trajectory,), of a snapshot."""
        view = self.views[name]
        modes = np.asarray(view.read("modes", snapshot), dtype=np.float64) if self.has_modes else None
        loss = np.asarray(view.read("loss", snapshot), dtype=np.float64) if self.has_loss else None
        return modes, loss

    def at(self, name: str, snapshot: int) -> Floats:
        """Points of a snapshot, shape (trajectory, coordinate); those that diverged are not finite."""
        return self._matrix(*self.read(name, snapshot))

    def way(self, name: str) -> Floats:
        """How far a model has come at each snapshot: the length of the path of its medians."""
        if name not in self._ways:
            medians = []
            for snapshot in range(len(self.views[name].time)):
                here = self.at(name, snapshot)[:MEDIANS]
                there = surviving(here)
                medians.append(np.median(there, axis=0) if len(there) else np.full(here.shape[1], np.nan))
            self._ways[name] = path_length(np.array(medians))
        return self._ways[name]

    def measured(self, name: str, snapshot: int) -> tuple[Floats, float, Moments]:
        """Points of a snapshot, the order up to which they have moments, and moments of the quantities."""
        modes, loss = self.read(name, snapshot)
        columns = [part for part in (modes, None if loss is None else loss[:, None]) if part is not None]
        depth = len(self._study.widths) - 1
        limits = moment_limits(self._study.models[name], depth, self.modes, self.has_loss)
        sample = moments(np.concatenate(columns, axis=1), limits, self._sizes(), self.branches)
        return self._matrix(modes, loss), moment_order(sample, self.modes), sample

    def frame(self, settings: Settings) -> Frame:
        """Return what comparisons at all snapshots have in common."""
        return Frame.of(self.coordinates, settings, self.branches)

    def clouds(self, snapshot: int, frame: Frame, apply: Apply = map) -> Clouds:
        """All models at one snapshot, and the frame in which they are compared there.

        Parameters
        ----------
        snapshot : int
        frame : Frame
            From `frame`.
        apply : callable
            As `map`: to read models at the same time.
        """
        read = partial(self.measured, snapshot=snapshot)
        measured = dict(zip(self.views, apply(read, self.views), strict=True))
        points = {name: one[0] for name, one in measured.items()}
        rounding = self._rounding(points)
        points = equal_to_rounding(points, rounding)
        return Clouds(
            points=points,
            orders={name: order for name, (_, order, _) in measured.items()},
            moments={name: found for name, (_, _, found) in measured.items()},
            frame=placed(points, frame, float(np.linalg.norm(rounding))),
        )

    def equal(self, snapshot: int, apply: Apply = map) -> dict[str, Floats]:
        """Points of all models at a snapshot; values that differ by rounding only are equal."""
        points = dict(zip(self.views, apply(partial(self.at, snapshot=snapshot), self.views), strict=True))
        return equal_to_rounding(points, self._rounding(points))

    def _rounding(self, points: Mapping[str, Floats]) -> Floats:
        """Difference that rounding makes in each coordinate at this snapshot.

        Modes are sums over one matrix, so that each has rounding errors of the size of the largest; the loss
        is a sum of squares of differences, which were of the size of those at the start.
        """
        pool = surviving(np.concatenate(list(points.values())))
        least = ROUNDING * self._rounding_unit
        floor = np.zeros(len(self.coordinates))
        if not len(pool):
            return floor
        if self.modes:
            largest = (np.abs(pool[:, : self.modes]) * self.scale).max(axis=1)
            of_a_model = np.quantile(
                largest, 1 - 0.5 / len(points), method="lower"
            )  # the median of the largest
            floor[: self.modes] = least / self.scale * of_a_model
        if self.has_loss:
            typical = 10.0 ** float(np.median(pool[:, -1]))
            floor[-1] = 2 / math.log(10) * least * max(1.0, math.sqrt(self._start_loss / typical))
        return floor

    def _matrix(self, modes: Floats | None, loss: Floats | None) -> Floats:
        return coordinates.feature_matrix(modes, loss, self.scale, self._floor)

    def _sizes(self) -> Floats:
        """Natural sizes of the quantities: strengths, and the loss at the start."""
        return np.array([*(self.scale if self.has_modes else ()), *((self._start_loss,) * self.has_loss)])
