"""Trajectories at a snapshot, as observables see them: what was measured, and what is made of it once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from fastsde.integrate.mode_rates import ModeRates
from fastsde.integrate.row_curvature import row_curvature
from fastsde.problem.network import DeepLinearNetwork
from fastsde.problem.objective import Objective, objective_of
from fastsde.study.learner import learner_of
from fastsde.study.observable import Curvature, Observable, Path, Rates
from fastsde.study.terms.tracking import kept_places
from fastsde.system.errors import RequestError

if TYPE_CHECKING:
    from fastsde.integrate.lowering import Lowered
    from fastsde.integrate.measurements import Measured
    from fastsde.problem.data import Problem
    from fastsde.study.models import Model
    from fastsde.study.study import Study

__all__ = ["MeasuredSnapshot", "Setting"]

Array = NDArray[Any]
T = TypeVar("T")


@dataclass(frozen=True)
class Setting:
    """What all snapshots of an integration share.

    Parameters
    ----------
    study, model, problem, lowered
        The study, one of its models, its problem and the model for the kernels.
    rates : ModeRates, optional
        Drift and diffusion of the modes, if something records them.
    """

    study: Study
    model: Model
    problem: Problem
    lowered: Lowered
    rates: ModeRates | None
    computed: dict[Callable[[Any], Any], Any] = field(default_factory=dict)

    @cached_property
    def network(self) -> DeepLinearNetwork:
        """The layers that parameters are cut into."""
        return DeepLinearNetwork(self.study.widths)

    @cached_property
    def columns(self) -> Any:
        """Where the kernels' measurements are in a row."""
        from fastsde.kernels.observe import measurement_columns

        return measurement_columns(self.lowered.network.widths)

    @cached_property
    def objective(self) -> Objective:
        """The loss as a function of the parameters."""
        return objective_of(self.study, self.problem)

    @property
    def has_outputs(self) -> bool:
        """Whether outputs are observed in the place of coordinates."""
        return bool(getattr(self.lowered.data, "observed", 0))

    def outputs(self, points: Array) -> Array:
        """Return the observed outputs of points (rows, p) of a landscape that has them, (rows, modes)."""
        from fastsde.kernels.cpu import aligned, to_lanes
        from fastsde.kernels.lanes import lane_count
        from fastsde.kernels.observed import observed_outputs

        network, lanes = self.lowered.network, lane_count(points.dtype)
        state = to_lanes(points)
        out = np.empty((len(state) * lanes, len(self.lowered.events.left)), points.dtype)
        observed_outputs(state, aligned(network.size * lanes, points.dtype), network, self.lowered.data, out)
        return out[: len(points)]


class MeasuredSnapshot:
    """The `fastsde.study.observable.Snapshot` of a range of trajectories.

    Parameters
    ----------
    setting : Setting
    measured : Measured
        What kernels measured.
    bad : (rows,) bool array
        Which trajectories have diverged.
    step : int
        Integrator step.
    """

    def __init__(self, setting: Setting, measured: Measured, bad: Array, step: int) -> None:
        self._setting, self._measured, self._bad = setting, measured, bad
        self._reader: Observable | None = None
        self.study, self.model, self.problem = setting.study, setting.model, setting.problem
        self.step = step
        self.mode_left: Array = setting.lowered.events.left
        self.mode_right: Array = setting.lowered.events.right

    def of(self, observable: Observable) -> Array:
        """Return the values of an observable.

        Raises
        ------
        RequestError
            If it reads what its declaration does not list.
        """
        self._reader = observable
        with np.errstate(all="ignore"):  # diverged trajectories
            return np.asarray(observable.measure(self))

    def once(self, function: Callable[[Any], T]) -> T:
        """Return ``function(problem)``, which is computed once per integration."""
        computed = self._setting.computed
        if function not in computed:
            computed[function] = function(self.problem)
        value: T = computed[function]
        return value

    @cached_property
    def loss(self) -> Array:
        """Loss, (rows,)."""
        return self._measured.columns(self._setting.columns.loss)

    @cached_property
    def gradient_norm(self) -> Array:
        """Euclidean norm of the gradient, (rows,)."""
        return self._measured.columns(self._setting.columns.gradient_norm)

    @cached_property
    def balance(self) -> Array:
        """Imbalance of every interface of layers, (rows, layers - 1)."""
        return self._measured.columns(self._setting.columns.balance)

    @cached_property
    def end_to_end(self) -> Array:
        """End-to-end matrices, (rows, outputs, inputs)."""
        return self._at_origin(self._matrices).reshape(-1, *self.problem.optimum.shape)

    @cached_property
    def modes(self) -> Array:
        """Mode strengths, (rows, modes)."""
        if self._setting.has_outputs:
            return self._setting.outputs(self._matrices)
        return self._projected(self._matrices, len(self.mode_left))

    @cached_property
    def mode_matrix(self) -> Array:
        """End-to-end matrices in the modes, (rows, modes, modes)."""
        count = len(self.mode_left)
        return self._projected(self._matrices, count**2).reshape(-1, count, count)

    @cached_property
    def singular_values(self) -> Array:
        """Singular values of the end-to-end matrices, descending, (rows, modes)."""
        return np.linalg.svd(self.end_to_end, compute_uv=False)

    @property
    def parameters(self) -> Array:
        """All weights, (rows, parameters)."""
        self._expect("parameters")
        return self._parameters

    @property
    def layers(self) -> list[Array]:
        """The weights of each layer, (rows, outputs, inputs)."""
        return self._setting.network.unpack(self.parameters)

    @property
    def noise_trace(self) -> Array:
        """Trace of the covariance of one sample's gradient, (rows,)."""
        self._expect("noise_trace")
        return self._trace

    @property
    def update_noise(self) -> Array:
        """Noise of one integrator step in each mode, (rows, modes)."""
        self._expect("update_noise")
        return self._update_noise

    @property
    def curvature(self) -> Curvature:
        """Extreme eigenvalues of the Hessian."""
        self._expect("curvature")
        return self._curvature

    @property
    def rates(self) -> Rates:
        """Drift and diffusion of the modes."""
        self._expect("rates")
        return self._rates

    @property
    def path(self) -> Path:
        """What is kept of every step."""
        self._expect("path")
        return self._path

    def loss_at(self, points: Array) -> Array:
        """Return the loss at other parameters, (rows, parameters)."""
        return self._setting.objective.loss(self._at_origin(points))

    @cached_property
    def _path(self) -> Path:
        states = np.asarray(self._measured.states(), dtype=np.float64)
        p, rows = self._setting.lowered.network.parameters, len(states)
        kept = kept_places(self.study.record.observables, p)
        start = states.shape[1] - kept.end  # behind what the terms of the model carry
        theta, average = states[:, :p], np.full((rows, p), np.nan)
        length, displacement = np.full((2, rows), np.nan)
        if self.model.replayed:
            return Path(average, length, displacement)
        if kept.sums >= 0:
            sums = states[:, start + kept.sums :]
            average = (sums[:, :p] - sums[:, p : 2 * p]) / self.step if self.step else theta
        if kept.length >= 0:
            length = states[:, start + kept.length] - states[:, start + kept.length + 1]
        if kept.origin >= 0:
            first = states[:, start + kept.origin :][:, :p] if self.step else theta
            displacement = np.linalg.norm(theta - first, axis=1)
        return Path(average, length, displacement)

    @cached_property
    def _trace(self) -> Array:
        return self._measured.columns(self._setting.columns.noise_trace)

    @cached_property
    def _matrices(self) -> Array:
        return self._measured.columns(self._setting.columns.end_to_end)

    @cached_property
    def _states(self) -> Array:
        return self._measured.states()[:, : self._setting.lowered.network.parameters]

    @cached_property
    def _parameters(self) -> Array:
        return self._at_origin(self._states)

    @cached_property
    def _update_noise(self) -> Array:
        return self._projected(self._measured.noise(), len(self.mode_left))

    @cached_property
    def _curvature(self) -> Curvature:
        learner = learner_of(self.study)
        if learner is None:
            return Curvature(*self._measured.curvature(self._bad).T)
        rows = np.asarray(self._parameters, dtype=np.float64)
        return Curvature(*row_curvature(learner.hessian_product, rows).T)

    @cached_property
    def _rates(self) -> Rates:
        rates, moved = self._setting.rates, None
        assert rates is not None
        if rates.terms.flow is not None:
            stepped = self._measured.stepped(rates.terms.flow)
            moved = np.asarray(stepped - self._states, dtype=np.float64)
        return Rates(*rates.measure(self._states, self._trace, self.step, moved))

    def _expect(self, need: str) -> None:
        """Refuse an observable that reads what was not measured for it."""
        reader = self._reader
        if reader is not None and need not in reader.needs:
            needs = ", ".join(f'"{one}"' for one in (*reader.needs, need))
            raise RequestError(
                f"the observable {reader.name} reads snapshot.{need}, which its declaration does not list\n"
                f"  fix: needs=({needs},)"
            )

    def _at_origin(self, values: Array) -> Array:
        """Return values with zeros for diverged trajectories.

        Rows are contiguous whatever the trajectories beside them, since the order of a sum follows the
        memory.
        """
        safe = np.where(self._bad[:, None], 0, values) if self._bad.any() else values
        return np.ascontiguousarray(safe)

    def _projected(self, matrices: Array, width: int) -> Array:
        from fastsde.kernels.observe import project

        out = np.empty((len(matrices), width), matrices.dtype)
        project(matrices, self.mode_left, self.mode_right, out)
        return out
