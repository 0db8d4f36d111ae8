"""What a snapshot records of each trajectory, beyond what the kernels measure themselves."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastsde.integrate.mode_rates import ModeRates
from fastsde.study.observables.alignment import layer_alignment, mode_alignment
from fastsde.problem.network import DeepLinearNetwork
from fastsde.study.observables.saddle_rank import best_maps, rank_distance, rank_index

if TYPE_CHECKING:
    from fastsde.integrate.lowering import Lowered
    from fastsde.integrate.measurements import Measured
    from fastsde.problem.data import Problem
    from fastsde.study.models import Model
    from fastsde.study.study import Study

__all__ = ["Observer", "effective_rank", "stable_rank"]

Array = NDArray[Any]

CURVATURE = ("hessian_min", "hessian_max", "hessian_error")
RANK = ("rank_index", "rank_distance")


def effective_rank(singular_values: Array) -> Array:
    """Return the exponential of the entropy of the normalised singular values (Roy and Vetterli 2007).

    Parameters
    ----------
    singular_values : (..., K) array
        Not negative.

    Returns
    -------
    (...) array, from 1 to K; NaN for a zero matrix.

    Examples
    --------
    >>> effective_rank(np.array([[1.0, 1.0, 0.0], [5.0, 0.0, 0.0]])).round(12)
    array([2., 1.])
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        share = singular_values / singular_values.sum(axis=-1, keepdims=True)
        terms = np.where(share > 0, share * np.log(np.where(share > 0, share, 1)), 0)
        return np.where(np.isnan(share).any(axis=-1), np.nan, np.exp(-terms.sum(axis=-1)))


def stable_rank(singular_values: Array) -> Array:
    """Return the sum of the squared singular values over the largest square (Rudelson and Vershynin 2007).

    Parameters
    ----------
    singular_values : (..., K) array
        Not negative.

    Returns
    -------
    (...) array, from 1 to K; NaN for a zero matrix.

    Examples
    --------
    >>> stable_rank(np.array([[1.0, 1.0, 0.0], [5.0, 0.0, 0.0], [2.0, 1.0, 0.0]]))
    array([2.  , 1.  , 1.25])
    """
    largest = singular_values.max(axis=-1, keepdims=True)
    share = singular_values / np.where(largest > 0, largest, np.nan)
    return np.asarray((share**2).sum(axis=-1))


class Observer:
    """Makes what is recorded of what kernels measure, and collects a snapshot.

    Parameters
    ----------
    study, model, problem, lowered
        The study, one of its models, its problem and the model for the kernels.
    exploded : (rows,) int64 array
        Steps at which trajectories diverged; their values are NaN from there on.
    """

    def __init__(
        self,
        study: Study,
        model: Model,
        problem: Problem,
        lowered: Lowered,
        exploded: Array,
    ) -> None:
        self.wanted = set(study.record.observables)
        self.lowered, self.exploded = lowered, exploded
        self.shape = problem.optimum.shape
        self.modes = len(problem.mode_strength)
        self.layers = len(study.widths) - 1
        self.dtype = np.dtype(study.dtype)
        self.strength = problem.mode_strength
        self.best_maps = best_maps(problem) if self.wanted & {*RANK} else None
        self.network = DeepLinearNetwork(study.widths)
        asked = bool(self.wanted & {"mode_drift", "mode_diffusion"})
        self.rates = ModeRates(study, model, problem, lowered) if asked else None
        self.values = self._room()

    def _room(self) -> dict[str, Array]:
        d_out, d_in = self.shape
        tails: dict[str, tuple[int, ...]] = {
            "loss": (),
            "gradient_norm": (),
            "noise_trace": (),
            "effective_rank": (),
            "balance": (self.layers - 1,),
            **dict.fromkeys((*RANK, *CURVATURE), ()),
            "modes": (self.modes,),
            "singular_values": (self.modes,),
            "update_noise": (self.modes,),
            "mode_matrix": (self.modes, self.modes),
            "end_to_end": (d_out, d_in),
            "parameters": (self.lowered.network.parameters,),
            "mode_drift": (self.modes,),
            "mode_diffusion": (self.modes,),
            "stable_rank": (),
            "mode_alignment": (self.modes,),
            "layer_alignment": (self.layers - 1,),
        }
        rows = len(self.exploded)
        return {name: np.empty((rows, *tails[name]), self.dtype) for name in tails if name in self.wanted}

    def take(self, count: int) -> dict[str, Array]:
        """Give away the snapshot of the first `count` trajectories and make room for the next."""
        values, self.values = self.values, self._room()
        return {name: value[:count] for name, value in values.items()}

    @property
    def trace(self) -> int:
        """Which formula gives the noise trace, if something asks for it (`fastsde.kernels.observe`)."""
        from fastsde.kernels.observe import NO_TRACE

        asked = "noise_trace" in self.wanted or (self.rates is not None and self.rates.local)
        return int(self.lowered.trace) if asked else NO_TRACE

    def record(self, rows: slice, measured: Measured, now: int) -> None:
        """Record a range of trajectories, measured at step `now`."""
        columns, low = measured.columns, self.lowered
        matrices = columns[:, 2 + self.layers :]
        bad = ~np.isfinite(columns[:, 0]) | ((self.exploded[rows] >= 0) & (self.exploded[rows] <= now))
        made: dict[str, Callable[[], Array]] = {
            "loss": lambda: columns[:, 0],
            "gradient_norm": lambda: columns[:, 1],
            "noise_trace": lambda: columns[:, 2],
            "balance": lambda: columns[:, 3 : 2 + self.layers],
            "end_to_end": lambda: matrices.reshape(-1, *self.shape),
            "modes": lambda: self._project(matrices, self.modes),
            "mode_matrix": lambda: self._project(matrices, self.modes**2).reshape(-1, self.modes, self.modes),
            "update_noise": lambda: self._project(measured.noise(), self.modes),
            "parameters": lambda: measured.states()[:, : low.network.parameters],
            "mode_alignment": lambda: mode_alignment(
                matrices.reshape(-1, *self.shape), low.events.left, low.events.right
            ),
        }
        for name, make in made.items():
            if name in self.wanted:
                self.values[name][rows] = make()
        if self.wanted & {"singular_values", "effective_rank", "stable_rank", *RANK}:
            self._decompose(matrices, bad, rows)
        if self.wanted & {*CURVATURE}:
            self._curve(measured.curvature(bad), rows)
        if self.wanted & {"mode_drift", "mode_diffusion"}:
            self._rates(measured, now, rows)
        if "layer_alignment" in self.wanted:
            points = measured.states()[:, : low.network.parameters]
            theta = np.where(bad[:, None], 0, points)
            self.values["layer_alignment"][rows] = layer_alignment(self.network.unpack(theta))
        for value in self.values.values():
            value[rows][bad] = np.nan

    def _project(self, matrices: Array, width: int) -> Array:
        from fastsde.kernels.observe import project

        out = np.empty((len(matrices), width), self.dtype)
        project(matrices, self.lowered.events.left, self.lowered.events.right, out)
        return out

    def _decompose(self, matrices: Array, bad: Array, rows: slice) -> None:
        safe = np.where(bad[:, None], 0, matrices).reshape(-1, *self.shape)
        strength = np.linalg.svd(safe, compute_uv=False)
        if "singular_values" in self.wanted:
            self.values["singular_values"][rows] = strength
        if "effective_rank" in self.wanted:
            self.values["effective_rank"][rows] = effective_rank(strength)
        if "stable_rank" in self.wanted:
            self.values["stable_rank"][rows] = stable_rank(strength)
        if self.best_maps is not None:
            rank = rank_index(strength, self.strength)
            found = {"rank_index": rank, "rank_distance": rank_distance(safe, rank, self.best_maps)}
            for name in self.wanted & {*RANK}:
                self.values[name][rows] = found[name]

    def _curve(self, found: Array, rows: slice) -> None:
        for column, name in enumerate(CURVATURE):
            if name in self.wanted:
                self.values[name][rows] = found[:, column]

    def _rates(self, measured: Measured, now: int, rows: slice) -> None:
        assert self.rates is not None
        theta, moved = measured.states()[:, : self.lowered.network.parameters], None
        if self.rates.terms.flow is not None:
            with np.errstate(invalid="ignore"):  # exploded trajectories
                moved = np.asarray(measured.stepped(self.rates.terms.flow) - theta, dtype=np.float64)
        drift, diffusion = self.rates.measure(theta, measured.columns[:, 2], now, moved)
        if "mode_drift" in self.wanted:
            self.values["mode_drift"][rows] = drift
        if "mode_diffusion" in self.wanted:
            self.values["mode_diffusion"][rows] = diffusion
