"""Records the observables of a study: collects a snapshot from ranges of trajectories."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastsde.integrate.mode_rates import ModeRates
from fastsde.integrate.snapshot import MeasuredSnapshot, Setting
from fastsde.study.dimensions import dimension_sizes
from fastsde.study.observable import recorded_observables
from fastsde.system.errors import RequestError

if TYPE_CHECKING:
    from fastsde.integrate.lowering import Lowered
    from fastsde.integrate.measurements import Measured
    from fastsde.problem.data import Problem
    from fastsde.study.models import Model
    from fastsde.study.study import Study

__all__ = ["Observer"]

Array = NDArray[Any]


class Observer:
    """Makes what is recorded of what kernels measure, and collects a snapshot.

    Parameters
    ----------
    study, model, problem, lowered
        The study, one of its models, its problem and the model for the kernels.
    diverged, stopped : (rows,) int64 arrays
        Steps at which trajectories diverged, and stopped at an event; their values are NaN from there on, of
        those that stopped after it.

    Attributes
    ----------
    observables : list of Observable
        What is recorded, in the order of the files.
    needs : set of str
        What has to be measured for them, see `fastsde.study.observable.Observable`.
    """

    def __init__(
        self,
        study: Study,
        model: Model,
        problem: Problem,
        lowered: Lowered,
        diverged: Array,
        stopped: Array,
    ) -> None:
        self.observables = recorded_observables(study)
        self.needs = {need for observable in self.observables for need in observable.needs}
        if "curvature" in self.needs and study.landscape is not None:  # made of the parameters there
            self.needs = self.needs - {"curvature"} | {"parameters"}
        rates = ModeRates(study, model, problem, lowered) if "rates" in self.needs else None
        if rates is not None:
            self.needs |= {"parameters", "noise_trace"} if rates.local else {"parameters"}
        self._setting = Setting(study, model, problem, lowered, rates)
        self._diverged, self._stopped = diverged, stopped
        self._sizes = dimension_sizes(study, len(diverged))
        self.values = self._room()

    def _room(self) -> dict[str, Array]:
        """Return arrays for a snapshot of all trajectories."""
        dtype = self._setting.study.dtype
        variables = {observable.name: observable.variable for observable in self.observables}
        return {
            name: np.empty(one.shape(self._sizes)[1:], one.dtype(dtype)) for name, one in variables.items()
        }

    def take(self, count: int) -> dict[str, Array]:
        """Return the snapshot of the first `count` trajectories, and make room for the next."""
        values, self.values = self.values, self._room()
        return {name: value[:count] for name, value in values.items()}

    @property
    def trace(self) -> int:
        """Which formula gives the noise trace, if something needs it (`fastsde.kernels.observe`)."""
        from fastsde.kernels.observe import NO_TRACE

        return int(self._setting.lowered.trace) if "noise_trace" in self.needs else NO_TRACE

    def record(self, rows: slice | Array, measured: Measured, now: int) -> None:
        """Record a range of trajectories, measured at step `now`.

        Raises
        ------
        RequestError
            If an observable reads what its declaration does not list, or has another shape than it says.
        """
        loss, diverged = measured.columns(self._setting.columns.loss), self._diverged[rows]
        bad = ~np.isfinite(loss) | ((diverged >= 0) & (diverged <= now)) | self.over(rows, now)
        snapshot = MeasuredSnapshot(self._setting, measured, bad, now)
        for observable in self.observables:
            room, values = self.values[observable.name], snapshot.of(observable)
            shape = (len(loss), *room.shape[1:])
            if values.shape != shape:
                raise RequestError(
                    f"the observable {observable.name} has values of shape {values.shape} where its "
                    f"dimensions, {('trajectory', *observable.dims)}, have {shape}"
                )
            room[rows] = values
            if bad.any():
                room[np.arange(len(room))[rows][bad]] = observable.variable.fill

    def over(self, rows: slice | Array, now: int) -> Array:
        """Say which of some trajectories stopped before the step `now`."""
        stopped = self._stopped[rows]
        return np.asarray((stopped >= 0) & (stopped < now))

    def leave_out(self, rows: Array) -> None:
        """Record of trajectories that are not measured that there is nothing."""
        for observable in self.observables:
            self.values[observable.name][rows] = observable.variable.fill
