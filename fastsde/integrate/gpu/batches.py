"""Which trajectories are on a device: all, or a batch after the other where they do not fit its memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastsde.integrate import devices
from fastsde.integrate.beginning import Beginning
from fastsde.integrate.checkpoint import Checkpoint
from fastsde.integrate.gpu.home import Home
from fastsde.integrate.gpu.placements import measuring_class
from fastsde.integrate.gpu.programs import model_program
from fastsde.kernels.gpu import arrays, driver
from fastsde.kernels.gpu.arguments import put_on
from fastsde.kernels.gpu.jobs import Start
from fastsde.study.stops import forget_later, stopped_steps
from fastsde.system.errors import ResourceError
from fastsde.system.stopwatch import spend

if TYPE_CHECKING:
    from fastsde.integrate.gpu.launcher import Launcher
    from fastsde.integrate.gpu.rows import Buffers, Rows
    from fastsde.integrate.lowering import Lowered
    from fastsde.study.study import Study

__all__ = ["Batch", "Batches"]

Array = NDArray[Any]
FREE_SHARE = 0.8
"""Of the free memory, what trajectories may take."""
LEAST = 32
"""Trajectories below which a smaller residency is not tried."""


@dataclass
class Batch:
    """Trajectories `first` .. `last` - 1 of the range, on the device."""

    first: int
    last: int
    state: Any
    diverged: Any
    passed: Any
    rows: Any  # of those that have not stopped
    going: int  # their number

    @property
    def count(self) -> int:
        """Return how many they are."""
        return self.last - self.first


class Batches:
    """Brings trajectories to the device and home again.

    Parameters
    ----------
    study, lowered
    first, count : int
        The range of trajectories.
    begin : Checkpoint or Beginning
        Where they are; of a beginning, the device draws the starting points where it can.
    launcher : fastsde.integrate.gpu.launcher.Launcher
    buffers : fastsde.integrate.gpu.rows.Buffers
    moving : fastsde.integrate.gpu.rows.Rows

    Attributes
    ----------
    diverged, passed, stopped : arrays
        Steps of divergences, passages and stops as they were last brought home.
    resident : int
        Trajectories that are on the device at once.
    """

    def __init__(
        self,
        study: Study,
        lowered: Lowered,
        first: int,
        count: int,
        begin: Checkpoint | Beginning,
        launcher: Launcher,
        buffers: Buffers,
        moving: Rows,
    ) -> None:
        self._study, self._lowered, self._first, self._count = study, lowered, first, count
        self._launcher, self._buffers, self._moving = launcher, buffers, moving
        self._width = lowered.network.parameters + lowered.carried
        self._start = begin.affine() if isinstance(begin, Beginning) else None
        self._home = Home(begin, count, self._width, lowered.passages, self._start is None)
        self.diverged, self.passed = self._home.diverged, self._home.passed
        self._stops = lowered.events.stops
        self.stopped = stopped_steps(self.passed, self._stops)
        self._batch: Batch | None = None
        self.resident = self._fitting()

    def each(self, work: Callable[[Batch], None]) -> None:
        """Do something with all trajectories, a batch after the other, beginning with the one that is there.

        If the device's memory is full, go on with half as many at a time.
        """
        todo = [(0, self._count)]
        while todo:
            first, last = todo.pop()
            if last - first > self.resident:
                ranges = [(a, min(a + self.resident, last)) for a in range(first, last, self.resident)]
                here = None if self._batch is None else (self._batch.first, self._batch.last)
                todo += sorted(ranges, key=lambda r: (r == here, -r[0]))
                continue
            try:
                work(self._load(first, last))
            except Exception as error:
                if not driver.is_out_of_memory(error):
                    refusal = devices.refusal(error, self._study)
                    if refusal is None:
                        raise
                    raise refusal from error
                self._make_room(last - first, error)
                todo.append((first, last))

    def look_who_stopped(self, batch: Batch) -> None:
        """Bring divergences and passages home, and leave out who has stopped from now on."""
        with spend("copy"):
            self._fetch_events(batch)
            self._choose(batch)

    def points(self) -> Array:
        """Return a copy of where the trajectories are, and bring divergences and passages home."""
        batch = self._whole()
        if batch is None:
            self._fetch()
            return self._home.points.copy()
        with spend("copy"):
            points = np.empty((self._count, self._width), self._study.dtype)
            self._launcher.stream.synchronize()
            self._moving.bring(batch.state, points)
            self._fetch_events(batch)
        return points

    def bring_events(self) -> None:
        """Bring divergences and passages of all trajectories home."""
        batch = self._whole()
        if batch is None:
            self._fetch()
            return
        with spend("copy"):
            self._fetch_events(batch)

    def close(self) -> None:
        """Forget what is on the device."""
        self._batch = None

    def _whole(self) -> Batch | None:
        """Return what is on the device if it is all trajectories."""
        return self._batch if self._batch is not None and self._batch.count == self._count else None

    def _fitting(self) -> int:
        """Return how many trajectories fit the device's free memory."""
        low, itemsize = self._lowered, np.dtype(self._study.dtype).itemsize
        numbers = 2 * self._width + 6 * int(low.network.widths[0] * low.network.widths[-1]) + 32
        each = itemsize * numbers + 8 * (2 + self.passed.shape[1])
        free: int = driver.free_bytes()
        return int(max(LEAST, min(self._count, int(FREE_SHARE * free) // each)))

    def _make_room(self, count: int, error: Exception) -> None:
        if count <= LEAST:
            raise ResourceError(
                f"{count} trajectories do not fit the memory of the GPU ({error})\n"
                "Fix: stop other programs that use it (nvidia-smi), record less, or use --device cpu"
            ) from error
        self._launcher.drop()
        self._buffers.drop()
        self._fetch()
        self._batch = None
        self.resident = max(LEAST, count // 2)

    def _load(self, first: int, last: int) -> Batch:
        """Return a batch on the device; what was there before is brought home first."""
        batch = self._batch
        if batch is not None and (batch.first, batch.last) == (first, last):
            return batch
        self._fetch()
        self._batch = None
        count = last - first
        batch = Batch(
            first,
            last,
            arrays.array((count, self._width), self._study.dtype),
            arrays.array((count,), np.int64),
            arrays.array((count, self._lowered.passages), np.int64),
            arrays.array((count,), np.int64),
            0,
        )
        self._choose(batch)
        with spend("start"):
            self._begin(batch)
        self._batch = batch
        return batch

    def _choose(self, batch: Batch) -> None:
        """Say on the device which trajectories have not stopped."""
        going = np.flatnonzero(self.stopped[batch.first : batch.last] < 0)
        batch.rows.copy_to_device(np.resize(going, batch.count), stream=self._launcher.stream)
        batch.going = len(going)

    def _begin(self, batch: Batch) -> None:
        """Put trajectories where they are: at their starting points, or where they were before."""
        rows = slice(batch.first, batch.last)
        if self._home.has(rows):
            self._moving.send(self._home.points[rows], batch.state)
            batch.diverged.copy_to_device(self.diverged[rows], stream=self._launcher.stream)
            self._moving.send(self.passed[rows], batch.passed)
            self._launcher.stream.synchronize()
            return
        assert self._start is not None
        dtype, low = self._study.dtype, self._lowered
        recipe = (put_on(one, dtype, arrays.put) for one in (self._start.origins, self._start.scales))
        job = Start(
            batch.state, batch.diverged, batch.passed, self._first + batch.first, low.start_key, *recipe
        )
        program = model_program(self._study, low, measuring_class(low, dtype))
        self._launcher.run(program, "start", batch.count, job)

    def _fetch(self) -> None:
        """Copy what is on the device to where the host keeps it."""
        if self._batch is not None:
            with spend("copy"):
                self._launcher.stream.synchronize()
                rows = slice(self._batch.first, self._batch.last)
                self._moving.bring(self._batch.state, self._home.room()[rows])
                self._home.there[rows] = True
                self._fetch_events(self._batch)

    def _fetch_events(self, batch: Batch) -> None:
        """Copy divergences and passages home."""
        rows = slice(batch.first, batch.last)
        self._launcher.stream.synchronize()
        here = self._buffers.on_host("noted", (batch.count,), np.int64)
        batch.diverged.copy_to_host(here)
        self.diverged[rows] = here
        self._moving.bring(batch.passed, self.passed[rows])
        if len(self._stops):
            self.stopped[rows] = stopped_steps(self.passed[rows], self._stops)
            forget_later(self.stopped[rows], self.diverged[rows], self.passed[rows])
