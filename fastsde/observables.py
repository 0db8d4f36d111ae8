"""What a snapshot records of each trajectory, beyond what the kernels measure themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastsde.alignment import layer_alignment, mode_alignment
from fastsde.network import DeepLinearNetwork
from fastsde.ranks import best_maps, rank_distance, rank_index
from fastsde.rates import ModeRates

if TYPE_CHECKING:
    from fastsde.data import Problem
    from fastsde.dynamics import Model
    from fastsde.lowering import Lowered
    from fastsde.study import Study

__all__ = ["Observer", "effective_rank", "stable_rank"]

Array = NDArray[Any]
Task = Callable[[Array, Array, int, int], None]

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
    """Measures ranges of blocks after they were advanced, and collects a snapshot.

    Parameters
    ----------
    study, model, problem, lowered
        The study, one of its models, its problem and the model for the kernels.
    state : (blocks, parameters * lanes) array
        The ensemble, which it reads.
    exploded : (rows,) int64 array
        Steps at which trajectories left the finite numbers; their values are NaN from there on.
    first : int
        Number of the first trajectory.
    """

    def __init__(
        self,
        study: Study,
        model: Model,
        problem: Problem,
        lowered: Lowered,
        state: Array,
        exploded: Array,
        first: int,
    ) -> None:
        self.wanted = set(study.record.observables)
        self.lowered, self.state, self.exploded, self.first = lowered, state, exploded, first
        self.lanes = len(exploded) // len(state)
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

    def after(self, advance: Task, now: int) -> Callable[[Array, Array, int, int], tuple[int, int]]:
        """Return a task that advances a range of blocks, measures it at step `now`, and names the range."""

        def run(memory: Array, choice: Array, begin: int, end: int) -> tuple[int, int]:
            advance(memory, choice, begin, end)
            self._measure(memory, choice, begin, end, now)
            return begin, end

        return run

    def take(self, count: int) -> dict[str, Array]:
        """Give away the snapshot of the first `count` trajectories and make room for the next."""
        values, self.values = self.values, self._room()
        return {name: value[:count] for name, value in values.items()}

    def _measure(self, memory: Array, choice: Array, begin: int, end: int, now: int) -> None:
        from fastsde.kernels.cpu import from_lanes
        from fastsde.kernels.observe import NO_TRACE, observe

        low = self.lowered
        rows = slice(begin * self.lanes, end * self.lanes)
        state = self.state[begin:end]
        size = self.shape[0] * self.shape[1]
        columns = np.full((len(state) * self.lanes, 2 + self.layers + size), np.nan, self.dtype)
        trace = (
            low.trace
            if "noise_trace" in self.wanted or (self.rates is not None and self.rates.local)
            else NO_TRACE
        )
        observe(state, memory, low.network, low.data, trace, columns)
        matrices = columns[:, 2 + self.layers :]
        bad = ~np.isfinite(columns[:, 0]) | ((self.exploded[rows] >= 0) & (self.exploded[rows] <= now))
        measured: dict[str, Callable[[], Array]] = {
            "loss": lambda: columns[:, 0],
            "gradient_norm": lambda: columns[:, 1],
            "noise_trace": lambda: columns[:, 2],
            "balance": lambda: columns[:, 3 : 2 + self.layers],
            "end_to_end": lambda: matrices.reshape(-1, *self.shape),
            "modes": lambda: self._project(matrices, self.modes),
            "mode_matrix": lambda: self._project(matrices, self.modes**2).reshape(-1, self.modes, self.modes),
            "update_noise": lambda: self._update_noise(memory, choice, begin, end, now),
            "parameters": lambda: from_lanes(state, len(columns))[:, : low.network.parameters],
            "mode_alignment": lambda: mode_alignment(
                matrices.reshape(-1, *self.shape), low.events.left, low.events.right
            ),
        }
        for name, make in measured.items():
            if name in self.wanted:
                self.values[name][rows] = make()
        if self.wanted & {"singular_values", "effective_rank", "stable_rank", *RANK}:
            self._decompose(matrices, bad, rows)
        if self.wanted & {*CURVATURE}:
            self._curve(state, memory, bad, rows)
        if self.wanted & {"mode_drift", "mode_diffusion"}:
            theta = from_lanes(state, len(columns))[:, : low.network.parameters]
            moved = self._drift(memory, choice, begin, end, now, theta)
            self._rates(theta, columns[:, 2], now, moved, rows)
        if "layer_alignment" in self.wanted:
            points = from_lanes(state, len(columns))[:, : low.network.parameters]
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

    def _curve(self, state: Array, memory: Array, bad: Array, rows: slice) -> None:
        """Record the extreme eigenvalues of the Hessian; exploded trajectories stand at the origin."""
        from fastsde.curvature import block_curvature
        from fastsde.kernels.cpu import aligned

        copy = aligned(state.shape, self.dtype)
        copy.reshape(len(state), -1, self.lanes)[...] = np.where(
            bad.reshape(len(state), 1, self.lanes), 0, state.reshape(len(state), -1, self.lanes)
        )
        found = block_curvature(copy, memory, self.lowered)
        for column, name in enumerate(CURVATURE):
            if name in self.wanted:
                self.values[name][rows] = found[:, column]

    def _rates(self, theta: Array, trace: Array, now: int, moved: Array | None, rows: slice) -> None:
        assert self.rates is not None
        drift, diffusion = self.rates.measure(theta, trace, now, moved)
        if "mode_drift" in self.wanted:
            self.values["mode_drift"][rows] = drift
        if "mode_diffusion" in self.wanted:
            self.values["mode_diffusion"][rows] = diffusion

    def _drift(
        self, memory: Array, choice: Array, begin: int, end: int, now: int, theta: Array
    ) -> Array | None:
        """Return the displacement by a model's drift in a time of 1; None for the gradient alone."""
        from fastsde.kernels.cpu import from_lanes

        if self.rates is None or self.rates.terms.flow is None:
            return None
        (moved,) = self._next(memory, choice, begin, end, now, self.rates.terms.flow)
        with np.errstate(invalid="ignore"):  # exploded trajectories
            return np.asarray(from_lanes(moved, len(theta))[:, : theta.shape[1]] - theta, dtype=np.float64)

    def _next(
        self, memory: Array, choice: Array, begin: int, end: int, now: int, *kinds: Any
    ) -> Iterator[Array]:
        """Yield the state of a range of blocks after a step of each of some dynamics."""
        from fastsde.kernels.cpu import advance, aligned

        low = self.lowered
        state = self.state[begin:end]
        lanes = len(state) * self.lanes
        unused = np.full(lanes, -1, dtype=np.int64), np.empty((lanes, 0), dtype=np.int64)
        for dynamics in kinds:
            copy = aligned(state.shape, self.dtype)
            copy[...] = state
            first = self.first + begin * self.lanes
            advance(
                copy, memory, choice, first, now, 1, False,
                low.network, low.data, dynamics, low.key, low.events, *unused,
            )  # fmt: skip
            yield copy

    def _update_noise(self, memory: Array, choice: Array, begin: int, end: int, now: int) -> Array:
        """Return the noise part of the next step, ``u_a^T (W(theta') - W(theta' without noise)) v_a``."""
        from fastsde.kernels.observe import products

        low = self.lowered
        ends = []
        for moved in self._next(memory, choice, begin, end, now, low.dynamics, low.quiet):
            out = np.empty((len(moved) * self.lanes, self.shape[0] * self.shape[1]), self.dtype)
            products(moved, memory, low.network, out)
            ends.append(out)
        with np.errstate(invalid="ignore"):  # exploded trajectories
            return self._project(ends[0] - ends[1], self.modes)
