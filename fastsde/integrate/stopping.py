"""Trajectories that stop at an event: those that go on share full blocks, so that the others cost nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastsde.integrate.cpu_ensemble import Blocks
from fastsde.integrate.measurements import BlockMeasurer

if TYPE_CHECKING:
    from fastsde.integrate.observer import Observer

__all__ = ["StoppingBlocks", "segment_steps"]

Array = NDArray[Any]
SEGMENT = 1 << 21
"""Parameter-steps between two looks at who has stopped: some hundredths of a second."""
LEAST_STEPS = 64
"""Steps of a segment at least: moving a trajectory to a block and back costs about one."""


def segment_steps(trajectories: int, parameters: int, work: int = SEGMENT, least: int = LEAST_STEPS) -> int:
    """Return how many steps the trajectories that go on advance before blocks are filled up again.

    Examples
    --------
    >>> segment_steps(512, 64), segment_steps(8, 64), segment_steps(100_000, 64)
    (64, 4096, 64)
    """
    return max(least, work // (trajectories * parameters))


class StoppingBlocks(Blocks):
    """Trajectories of which some have stopped, as `fastsde.integrate.cpu_ensemble.Blocks`.

    All stay in their rows. Those that go on are copied to full blocks for a segment of steps, or to be
    measured, and back; the last block is filled up with copies of its last trajectory. A trajectory's random
    numbers are those of its own number, so it does not matter which others are beside it.
    """

    _skipped = 0

    def advance(self, now: int) -> None:
        """Advance all trajectories that have not stopped to the integrator step `now`."""
        while self.step < now:
            rows = self._going()
            if not len(rows):
                self._skipped += (now - self.step) * self._count
                self.step = now
                return
            going = int((self.stopped[: self._count] < 0).sum())
            steps = min(now - self.step, segment_steps(going, self._lowered.network.parameters))
            task = self._lent(rows, self._kernel(steps, closing=False))
            ranges = self._workers.ranges(len(rows) // self.lanes, 2 * self._workers.threads)
            for begin, end in self._workers.map(task, ranges):
                self._done += (min(end * self.lanes, going) - begin * self.lanes) * steps
                self._on_progress(self._done)
            self._skipped += (self._count - going) * steps
            self.step += steps
            self._settle()

    def measure(self, observer: Observer, last: bool, deliver: Callable[[], None]) -> None:
        """Let the observer take a snapshot of those that go on, and deliver it; see `Blocks.measure`."""
        rows, now, trace = self._going(), self.step, observer.trace
        observer.leave_out(np.flatnonzero(self.stopped >= 0))
        look = self._lent(rows, self._kernel(0, closing=True))

        def run(memory: Array, indices: Array, begin: int, end: int) -> tuple[int, int]:
            if last:
                look(memory, indices, begin, end)
            mine = rows[begin * self.lanes : end * self.lanes]
            measurer = BlockMeasurer(self._lowered, self._gathered(mine), self.lanes, self._numbers[mine])
            _, measured = measurer.measure(memory, indices, 0, end - begin, now, trace)
            observer.record(mine, measured, now)
            return begin, end

        ranges = self._workers.ranges(len(rows) // self.lanes, 4 * self._workers.threads)
        for _ in self._workers.map(run, ranges):
            pass
        self._settle()
        deliver()

    def spared(self, end: int) -> int:
        """Return the trajectory-steps up to the step `end` that need not be done: some have stopped."""
        stopped = int((self.stopped[: self._count] >= 0).sum())
        return self._skipped + stopped * (end - self.step)

    def _going(self) -> Array:
        """Return the rows that have not stopped, the last one repeated until the last block is full."""
        rows = np.flatnonzero(self.stopped[: self._count] < 0)
        return np.pad(rows, (0, -len(rows) % self.lanes), mode="edge") if len(rows) else rows

    def _lent(self, rows: Array, kernel: Callable[..., tuple[Array, Array]]) -> Any:
        """Return the function that does something with a range of blocks of those that go on."""
        from fastsde.kernels.cpu import from_lanes

        def run(memory: Array, indices: Array, begin: int, end: int) -> tuple[int, int]:
            mine = rows[begin * self.lanes : end * self.lanes]
            state = self._gathered(mine)
            self.diverged[mine], self.passed[mine] = kernel(memory, indices, state, mine)
            self._by_lane()[mine // self.lanes, :, mine % self.lanes] = from_lanes(state, len(mine))
            return begin, end

        return run

    def _gathered(self, rows: Array) -> Array:
        """Return a copy of some trajectories as blocks."""
        from fastsde.kernels.cpu import to_lanes

        return np.asarray(to_lanes(self._by_lane()[rows // self.lanes, :, rows % self.lanes]))

    def _by_lane(self) -> Array:
        return np.asarray(self.state.reshape(len(self.state), -1, self.lanes))
