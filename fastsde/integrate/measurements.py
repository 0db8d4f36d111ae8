"""What kernels measure of a range of trajectories, and how blocks on a CPU are measured."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from fastsde.integrate.lowering import Lowered

__all__ = ["BlockMeasurer", "Measured", "stepped_rows"]

Array = NDArray[Any]


@dataclass(frozen=True)
class Measured:
    """Measurements of a range of trajectories; what not every study records is computed when it is asked for.

    Parameters
    ----------
    columns : callable
        Given a place or a slice, returns that column, (rows,), or those, (rows, columns), of what
        `fastsde.kernels.observe.observe` writes; `fastsde.kernels.observe.measurement_columns` says where
        each is.
    states : callable
        Returns the parameters and what the step carries, (rows, parameters + carried).
    noise : callable
        Returns the end-to-end matrices one step later minus those without its noise, (rows, d_out * d_in).
    curvature : callable
        Given which trajectories have diverged, returns the columns of
        `fastsde.integrate.curvature.block_curvature`; diverged trajectories are put at the origin.
    stepped : callable
        Given some dynamics, returns the parameters one step of it later, (rows, parameters).
    """

    columns: Callable[[int | slice], Array]
    states: Callable[[], Array]
    noise: Callable[[], Array]
    curvature: Callable[[Array], Array]
    stepped: Callable[[Any], Array]


def stepped_blocks(
    lowered: Lowered, state: Array, memory: Array, indices: Array, numbers: Array, now: int, dynamics: Any
) -> Array:
    """Return a copy of some blocks one step of `dynamics` on.

    Parameters
    ----------
    lowered : Lowered
    state : (blocks, parameters * lanes) array
    memory, indices : arrays
        One thread's room for a block.
    numbers : (blocks * lanes,) uint64 array
        The trajectories' numbers.
    now : int
        Integrator step.
    dynamics : named tuple
        Of the kernels.
    """
    from fastsde.kernels.block import Model, Passages, Span
    from fastsde.kernels.cpu import advance, aligned
    from fastsde.kernels.lanes import lane_count

    copy = aligned(state.shape, state.dtype)
    copy[...] = state
    rows = len(state) * lane_count(state.dtype)
    unused = np.full(rows, -1, dtype=np.int64), np.empty((rows, 0), dtype=np.int64)
    model = Model(lowered.network, lowered.data, dynamics, lowered.key)
    passages = Passages(lowered.events._replace(stops=lowered.events.stops[:0]), *unused)
    advance(copy, memory, indices, numbers, Span(now, 1, False), model, passages)
    return np.asarray(copy)


def stepped_rows(lowered: Lowered, states: Array, first: int, now: int, dynamics: Any) -> Array:
    """Return the points of some trajectories one step of `dynamics` on, (rows, parameters).

    As `stepped_blocks`, for states that are rows, (rows, parameters + carried).
    """
    from fastsde.kernels.cpu import aligned, from_lanes, to_lanes
    from fastsde.kernels.lanes import lane_count

    lanes = lane_count(states.dtype)
    memory = aligned(lowered.network.size * lanes, states.dtype)
    indices = aligned(lowered.choice * lanes, np.int32)
    state = to_lanes(states)
    numbers = np.arange(first, first + len(state) * lanes, dtype=np.uint64)
    moved = stepped_blocks(lowered, state, memory, indices, numbers, now, dynamics)
    return np.asarray(from_lanes(moved, len(states))[:, : lowered.network.parameters])


class BlockMeasurer:
    """Measures ranges of blocks on a CPU.

    Parameters
    ----------
    lowered : Lowered
    state : (blocks, parameters * lanes) array
        The ensemble, which it reads.
    lanes : int
    numbers : (blocks * lanes,) uint64 array
        The trajectories' numbers.
    """

    def __init__(self, lowered: Lowered, state: Array, lanes: int, numbers: Array) -> None:
        from fastsde.kernels.observe import measurement_columns

        self._lowered, self._state, self._lanes, self._numbers = lowered, state, lanes, numbers
        self._dtype = state.dtype
        self._size = int(lowered.network.widths[0] * lowered.network.widths[-1])
        self._columns = measurement_columns(lowered.network.widths)

    def measure(
        self, memory: Array, indices: Array, begin: int, end: int, now: int, trace: int
    ) -> tuple[slice, Measured]:
        """Return the rows of a range of blocks, and what is measured of them at step `now`."""
        from fastsde.kernels.cpu import from_lanes
        from fastsde.kernels.observe import observe

        low, state = self._lowered, self._state[begin:end]
        rows = len(state) * self._lanes
        numbers = self._numbers[begin * self._lanes : end * self._lanes]
        columns = np.full((rows, self._columns.count), np.nan, self._dtype)
        observe(state, memory, low.network, low.data, trace, columns)
        return slice(begin * self._lanes, end * self._lanes), Measured(
            columns=lambda place: np.asarray(columns[:, place]),
            states=lambda: np.asarray(from_lanes(state, rows)),
            noise=lambda: self._noise(state, memory, indices, numbers, now),
            curvature=lambda bad: self._curvature(state, memory, bad),
            stepped=lambda dynamics: np.asarray(
                from_lanes(stepped_blocks(low, state, memory, indices, numbers, now, dynamics), rows)[
                    :, : low.network.parameters
                ]
            ),
        )

    def _curvature(self, state: Array, memory: Array, bad: Array) -> Array:
        from fastsde.integrate.curvature import block_curvature
        from fastsde.kernels.cpu import aligned

        copy = aligned(state.shape, self._dtype)
        copy.reshape(len(state), -1, self._lanes)[...] = np.where(
            bad.reshape(len(state), 1, self._lanes), 0, state.reshape(len(state), -1, self._lanes)
        )
        return block_curvature(copy, memory, self._lowered)

    def _noise(self, state: Array, memory: Array, indices: Array, numbers: Array, now: int) -> Array:
        """Return ``W(theta') - W(theta - dt grad L)``, theta' the point one step on."""
        from fastsde.kernels.observe import products

        low = self._lowered
        ends = []
        for dynamics in (low.dynamics, low.quiet):
            moved = stepped_blocks(low, state, memory, indices, numbers, now, dynamics)
            out = np.empty((len(state) * self._lanes, self._size), self._dtype)
            products(moved, memory, low.network, out)
            ends.append(out)
        with np.errstate(invalid="ignore"):  # diverged trajectories
            return np.asarray(ends[0] - ends[1])
