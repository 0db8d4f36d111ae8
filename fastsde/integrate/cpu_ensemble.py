"""A range of trajectories interleaved into blocks, on its way from step to step."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastsde.integrate.checkpoint import Checkpoint
from fastsde.integrate.measurements import BlockMeasurer
from fastsde.study.stops import forget_later, stopped_steps

if TYPE_CHECKING:
    from fastsde.integrate.lowering import Lowered
    from fastsde.integrate.observer import Observer

__all__ = ["Blocks"]

Array = NDArray[Any]
Task = Callable[[Array, Array, int, int], None]
TASK_STEPS = 1_000_000
"""Trajectory-steps given to a thread at once: a fraction of a second."""


class Blocks:
    """Trajectories ``first .. first + count - 1`` of one model, all at the same integrator step.

    Parameters
    ----------
    lowered : Lowered
        The model for the kernels.
    workers : fastsde.kernels.cpu.Workers
        The threads.
    first, count : int
        The range.
    begin : Checkpoint
        Where they are.
    on_progress : callable, optional
        Called with the trajectory-steps done since `begin`.

    Attributes
    ----------
    diverged, stopped, passed : arrays
        Steps at which trajectories diverged and stopped, and of their first passages, one row for each lane;
        -1 not yet.
    """

    device = "cpu"

    def __init__(
        self,
        lowered: Lowered,
        workers: Any,
        first: int,
        count: int,
        begin: Checkpoint,
        on_progress: Callable[[int], None] | None = None,
    ) -> None:
        from fastsde.kernels.cpu import to_lanes
        from fastsde.kernels.lanes import lane_count

        self.step = begin.step
        self.state = to_lanes(begin.parameters)
        self.lanes = lane_count(begin.parameters.dtype)
        self.diverged = self._padded(begin.diverged)
        self.passed = self._padded(begin.passed)
        self.stopped = stopped_steps(self.passed, lowered.events.stops)
        self._numbers = np.arange(first, first + self.rows, dtype=np.uint64)
        self._lowered, self._workers, self._first, self._count = lowered, workers, first, count
        self._on_progress = on_progress or (lambda done: None)
        self._done = 0

    @property
    def rows(self) -> int:
        """Trajectories and the lanes that fill up the last block."""
        return len(self.diverged)

    def advance(self, now: int) -> None:
        """Advance all trajectories to the integrator step `now`."""
        steps = now - self.step
        pieces = max(4 * self._workers.threads, self.rows * steps // TASK_STEPS)
        task = self._task(steps, closing=False)
        for begin, end in self._map(lambda *at: (task(*at), at[2:])[1], pieces):
            self._done += (min(end * self.lanes, self._count) - begin * self.lanes) * steps
            self._on_progress(self._done)
        self.step = now

    def measure(self, observer: Observer, last: bool, deliver: Callable[[], None]) -> None:
        """Let the observer take a snapshot, and deliver it.

        At the `last` one look for passages and divergences as well.
        """
        before: Task = self._task(0, closing=True) if last else _nothing
        measurer = BlockMeasurer(self._lowered, self.state, self.lanes, self._numbers)
        now, trace = self.step, observer.trace

        def run(memory: Array, indices: Array, begin: int, end: int) -> tuple[int, int]:
            before(memory, indices, begin, end)
            rows, measured = measurer.measure(memory, indices, begin, end, now, trace)
            observer.record(rows, measured, now)
            return begin, end

        for _ in self._map(run, 4 * self._workers.threads):
            pass
        self._settle()
        deliver()

    def spared(self, end: int) -> int:
        """Return the trajectory-steps up to the step `end` that need not be done: some have stopped."""
        return 0

    def finish(self) -> None:
        """Deliver what has been measured: all of it has."""

    def checkpoint(self, snapshots: int) -> Checkpoint:
        """Return a copy of where the trajectories are, of which `snapshots` snapshots have been taken."""
        from fastsde.kernels.cpu import from_lanes

        count = self._count
        return Checkpoint(
            self.step,
            snapshots,
            np.ascontiguousarray(from_lanes(self.state, count)),
            self.diverged[:count].copy(),
            self.passed[:count].copy(),
        )

    def _padded(self, values: Array) -> Array:
        rows = len(self.state) * self.lanes
        padded = np.full((rows, *values.shape[1:]), -1, dtype=np.int64)
        padded[: len(values)] = values
        return padded

    def _settle(self) -> None:
        """Note who has stopped."""
        if len(self._lowered.events.stops):
            self.stopped[...] = stopped_steps(self.passed, self._lowered.events.stops)
            forget_later(self.stopped, self.diverged, self.passed)

    def _map(self, task: Callable[..., tuple[int, int]], pieces: int) -> Any:
        return self._workers.map(task, self._workers.ranges(len(self.state), pieces))

    def _task(self, steps: int, closing: bool) -> Task:
        """Return the function that advances a range of blocks by `steps` steps."""
        advance = self._kernel(steps, closing)

        def run(memory: Array, indices: Array, begin: int, end: int) -> None:
            advance(memory, indices, self.state[begin:end], slice(begin * self.lanes, end * self.lanes))

        return run

    def _kernel(self, steps: int, closing: bool) -> Callable[[Array, Array, Array, Any], tuple[Array, Array]]:
        """Return the function that advances blocks whose trajectories are in some rows.

        It returns their divergences and passages: of a slice those that are kept, of an array of rows a copy.
        """
        from fastsde.kernels.block import Model, Passages, Span
        from fastsde.kernels.cpu import advance

        low = self._lowered
        span = Span(self.step, steps, closing)
        model = Model(low.network, low.data, low.dynamics, low.key)

        def run(memory: Array, indices: Array, state: Array, rows: Any) -> tuple[Array, Array]:
            diverged, passed = self.diverged[rows], self.passed[rows]
            passages = Passages(low.events, diverged, passed)
            advance(state, memory, indices, self._numbers[rows], span, model, passages)
            return diverged, passed

        return run


def _nothing(memory: Array, indices: Array, begin: int, end: int) -> None:
    pass
