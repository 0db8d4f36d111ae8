"""The points of an ensemble that distances compare, one model and snapshot at a time."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from fastsde.analysis import coordinates
from fastsde.analysis.distances import mmd
from fastsde.analysis.distances.existence import moment_order
from fastsde.analysis.distances.metric import Frame
from fastsde.analysis.distances.samples import surviving
from fastsde.analysis.law import branches_of, moment_limits
from fastsde.analysis.protocols import Ensemble, Floats, Trajectories
from fastsde.analysis.shape.moments import Moments, moments
from fastsde.errors import RequestError

if TYPE_CHECKING:
    from fastsde.analysis.results import Settings

BANDWIDTH_SNAPSHOTS = 16
BANDWIDTH_TRAJECTORIES = 100
BANDWIDTH_POINTS = 2000


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
        So many consecutive trajectories start from one state.
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
        if self._study.landscape is not None:  # an energy may be negative: it has no logarithm
            self.has_loss = False
        if not (self.has_modes or self.has_loss):
            raise RequestError('nothing to analyse: record.observables has neither "modes" nor "loss"')
        self.strength: Floats = np.asarray(ensemble.problem.mode_strength, dtype=np.float64)
        self.scale = coordinates.mode_scale(self.strength)
        self.branches = branches_of(self._study)
        self.half = min(view.count for view in views.values()) // 2 // self.branches * self.branches
        first = views[reference or next(iter(views))]
        self._start_loss = coordinates.median_loss(first) if self.has_loss else math.nan
        self._floor = 1e-15 * self._start_loss if self._start_loss > 0 else 1e-300

    @property
    def modes(self) -> int:
        """Number of modes among the coordinates."""
        return len(self.strength) if self.has_modes else 0

    @property
    def coordinates(self) -> tuple[str, ...]:
        """Names of the coordinates."""
        return coordinates.feature_names(self.modes, self.has_loss)

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
        """Points of a snapshot, shape (trajectory, coordinate); exploded trajectories are not finite."""
        return self._matrix(*self.read(name, snapshot))

    def measured(self, name: str, snapshot: int) -> tuple[Floats, float, Moments]:
        """Points of a snapshot, the order up to which they have moments, and moments of the quantities."""
        modes, loss = self.read(name, snapshot)
        columns = [part for part in (modes, None if loss is None else loss[:, None]) if part is not None]
        depth = len(self._study.widths) - 1
        limits = moment_limits(self._study.models[name], depth, self.modes, self.has_loss)
        found = moments(np.concatenate(columns, axis=1), limits, self._sizes(), self.branches)
        return self._matrix(modes, loss), moment_order(found, self.modes), found

    def bandwidth(self, settings: Settings) -> float:
        """Kernel width: from the median distance of points pooled over all models and sixteen snapshots."""
        snapshots = len(next(iter(self.views.values())).time)
        times = np.unique(np.linspace(0, snapshots - 1, BANDWIDTH_SNAPSHOTS).astype(int))
        pooled = []
        for snapshot, name in itertools.product(times, self.views):
            here = self.at(name, int(snapshot))
            pooled.append(surviving(here)[:BANDWIDTH_TRAJECTORIES])
        together = np.concatenate(pooled)
        generator = np.random.Generator(np.random.Philox(settings.seed))
        return mmd.median_bandwidth(together[generator.permutation(len(together))[:BANDWIDTH_POINTS]])

    def frame(self, settings: Settings) -> Frame:
        """Return what all comparisons have in common."""
        return Frame.of(self.coordinates, self.bandwidth(settings), settings, self.branches)

    def _matrix(self, modes: Floats | None, loss: Floats | None) -> Floats:
        return coordinates.feature_matrix(modes, loss, self.scale, self._floor)

    def _sizes(self) -> Floats:
        """Natural sizes of the quantities: strengths, and the loss at the start."""
        return np.array([*(self.scale if self.has_modes else ()), *((self._start_loss,) * self.has_loss)])
