"""Trajectories that are read from a file in place of being integrated; measured like all others.

Between two snapshots a trajectory is taken to move on a straight line: first passages are found on it, at
`PLACES` places between the two.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastsde.integrate.cpu_ensemble import Blocks

if TYPE_CHECKING:
    from fastsde.integrate.lowering import Lowered
    from fastsde.integrate.observer import Observer
    from fastsde.problem.trajectory_file import TrajectoryFile

__all__ = ["Replay"]

Array = NDArray[Any]
PLACES = 16
"""Places on the line between two snapshots where passages are looked for, the second snapshot among them."""


class Replay(Blocks):
    """Trajectories of a file, as `fastsde.integrate.cpu_ensemble.Blocks`.

    Parameters
    ----------
    source : TrajectoryFile
    lowered, workers, first, count, begin, on_progress
        As for `Blocks`.
    """

    device = "imported"

    def __init__(self, source: TrajectoryFile, lowered: Lowered, workers: Any, *rest: Any) -> None:
        super().__init__(lowered, workers, *rest)
        self._source = source
        self._known = frozenset(int(step) for step in source.steps)
        self._here = self._rows(self.step) if self.step in self._known else None
        self._since = self.step

    def advance(self, now: int) -> None:
        """Go to the step `now`; where the file has a snapshot, look for passages on the way there."""
        done = (now - self.step) * self._count
        if now in self._known:
            there = self._rows(now)
            if self._source.kind == "values":
                self._find_in_values(now)
            else:
                self._find_on_line(there, now)
            self._show(there)
            self._here, self._since = there, now
        self.step = now
        self._settle()
        self._done += done
        self._on_progress(self._done)

    def measure(self, observer: Observer, last: bool, deliver: Callable[[], None]) -> None:
        """Let the observer take a snapshot, put in what the file has, leave out what cannot be known."""

        def complete() -> None:
            given = self._source.values(self.step, self._first, self._count)
            for observable in observer.observables:
                name = observable.name
                if name in given:
                    observer.values[name][: self._count] = given[name]
                elif name in self._source.absent:
                    observer.values[name][...] = observable.variable.fill
            observer.leave_out(np.flatnonzero(observer.over(slice(None), self.step)))
            deliver()

        super().measure(observer, last and self._source.kind != "values", complete)

    def _rows(self, step: int) -> Array:
        return self._source.states(step, self._first, self._count)

    def _show(self, rows: Array) -> None:
        """Put states into the blocks."""
        from fastsde.kernels.cpu import to_lanes

        carried = self._lowered.carried
        self.state = to_lanes(np.pad(rows, ((0, 0), (0, carried))))

    def _find_on_line(self, there: Array, now: int) -> None:
        """Look for passages at places between the last snapshot and this one."""
        here = there if self._here is None else self._here
        finite = np.isfinite(there).all(axis=1, keepdims=True)
        length = now - self._since
        steps = np.unique(np.round(self._since + length * np.arange(1, PLACES + 1) / PLACES)).astype(np.int64)
        for step in steps:
            share = (step - self._since) / length
            with np.errstate(invalid="ignore", over="ignore"):
                on_the_way = (1 - share) * here + share * there
            whole = there if step == now else np.where(finite, on_the_way, here)
            self._show(np.asarray(whole, dtype=there.dtype))
            self.step = int(step)
            task = self._task(0, closing=True)
            for _ in self._map(lambda *at, run=task: (run(*at), at[2:])[1], self._workers.threads):
                pass

    def _find_in_values(self, now: int) -> None:
        """Find passages of the loss and of modes in the file's values, and losses that are not finite."""
        old, new = (self._source.values(step, self._first, self._count) for step in (self._since, now))
        loss = new.get("loss")
        rows = slice(0, self._count)
        if loss is not None:
            lost = ~np.isfinite(loss) & (self.diverged[rows] < 0)
            self.diverged[rows][lost] = now
        events = self._lowered.events
        crossings = [_crossing(old.get("loss"), loss, float(level), -1.0) for level in events.levels]
        for thresholds in events.thresholds:
            for mode, threshold in enumerate(thresholds):
                before, after = (one["modes"][:, mode] if "modes" in one else None for one in (old, new))
                crossings.append(_crossing(before, after, float(threshold), 1.0))
        for place, share in enumerate(crossings):
            if share is not None:
                step = np.ceil(self._since + share * (now - self._since))
                first = np.isfinite(share) & (self.passed[rows, place] < 0)
                self.passed[rows, place] = np.where(first, step, self.passed[rows, place]).astype(np.int64)


def _crossing(old: Array | None, new: Array | None, level: float, sign: float) -> Array | None:
    """Return where between two snapshots each value passes a level, as a share; NaN where it does not.

    Examples
    --------
    >>> _crossing(np.array([1.0, 1.0]), np.array([0.0, 1.0]), 0.25, -1.0)
    array([0.75,  nan])
    """
    if old is None or new is None:
        return None
    with np.errstate(invalid="ignore", divide="ignore"):
        passed = sign * (new - level) >= 0
        share = np.clip((level - old) / (new - old), 0.0, 1.0)
        return np.where(passed, np.where(sign * (old - level) >= 0, 0.0, share), np.nan)
