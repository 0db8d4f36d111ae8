"""An integration on a GPU: launches from snapshot to snapshot, and snapshots that leave meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from fastsde.integrate import devices
from fastsde.integrate.beginning import Beginning
from fastsde.integrate.checkpoint import Checkpoint
from fastsde.integrate.gpu.batches import Batch, Batches
from fastsde.integrate.gpu.launcher import Launcher
from fastsde.integrate.gpu.measurements import Setting, measured_rows, measurements
from fastsde.integrate.gpu.placements import measuring_class, memory_class
from fastsde.integrate.gpu.programs import model_program
from fastsde.integrate.gpu.rows import Buffers, Rows
from fastsde.integrate.stopping import segment_steps
from fastsde.kernels.cpu import Workers
from fastsde.kernels.gpu import arrays, driver, streams
from fastsde.kernels.gpu.arguments import put_on
from fastsde.kernels.gpu.jobs import Advance
from fastsde.system.stopwatch import spend

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fastsde.integrate.lowering import Lowered
    from fastsde.integrate.observer import Observer
    from fastsde.study.study import Study

__all__ = ["Resident"]

SEGMENT, LEAST_STEPS = 1 << 26, 256
"""Parameter-steps between two looks at who has stopped, and steps at least: about a hundredth of a second."""


class Resident:
    """Trajectories ``first .. first + count - 1`` of one model on a GPU.

    One launch carries all of them from one snapshot to the next. A snapshot leaves through page-locked memory
    while the next segment computes, and is delivered meanwhile. Where they do not fit the device's memory all
    at once, they go in batches, which come and leave between launches.

    Parameters
    ----------
    study, lowered
    threads : int
        Of the host, for what is made of the measurements.
    first, count : int
        The range.
    begin : Checkpoint or Beginning
        Where the trajectories are; of a beginning, the device draws the starting points where it can.
    on_progress : callable, optional
        Called with the trajectory-steps done since `begin`.
    """

    def __init__(
        self,
        study: Study,
        lowered: Lowered,
        threads: int,
        first: int,
        count: int,
        begin: Checkpoint | Beginning,
        on_progress: Callable[[int], None] | None = None,
    ) -> None:
        devices.check_device(study)
        self._study, self._lowered = study, lowered
        self._first, self._count, self.step = first, count, begin.step
        self._skipped = self._done = 0
        self._on_progress = on_progress or (lambda done: None)
        self._workers: Any = Workers(threads, 1, 1, study.dtype)
        compute, copy = streams.streams()
        self._launcher, self._buffers = Launcher(compute, count), Buffers()
        moving = Rows(self._buffers, compute, self._workers)
        self._batches = Batches(study, lowered, first, count, begin, self._launcher, self._buffers, moving)
        self.where = memory_class(lowered, study.dtype)
        self.device = f"cuda: {driver.describe()['name']}, memory of a trajectory: {self.where}"
        data, dynamics, events, network = (
            put_on(one, study.dtype, arrays.put)
            for one in (lowered.data, lowered.dynamics, lowered.events, lowered.network)
        )
        streamed = self._buffers, (compute, copy)
        self._setting = Setting(study, lowered, data, dynamics, events, network, *streamed)
        self._pending: Callable[[], None] | None = None

    def __enter__(self) -> Resident:
        return self

    def __exit__(self, *exception: Any) -> None:
        self._workers.close()
        self._batches.close()
        self._launcher.drop()
        self._buffers.keep()

    @property
    def rows(self) -> int:
        """Trajectories."""
        return self._count

    @property
    def resident(self) -> int:
        """Trajectories that are on the device at once."""
        return self._batches.resident

    @property
    def diverged(self) -> NDArray[Any]:
        """Steps at which trajectories diverged, as far as they were brought home."""
        return self._batches.diverged

    @property
    def passed(self) -> NDArray[Any]:
        """Steps of first passages, as far as they were brought home."""
        return self._batches.passed

    @property
    def stopped(self) -> NDArray[Any]:
        """Steps at which trajectories stopped at an event, as far as they were brought home."""
        return self._batches.stopped

    def advance(self, now: int) -> None:
        """Advance all trajectories to the integrator step `now`, and deliver the last snapshot meanwhile."""
        start, steps = self.step, now - self.step

        def work(batch: Batch) -> None:
            for begin, length in self._segments(batch, start, steps):
                self._launch(batch, begin, length, closing=False)
                self._deliver()
                with spend("kernel"):
                    self._launcher.stream.synchronize()
                self._done += batch.going * length
                self._on_progress(self._done)
            self._deliver()

        self._batches.each(work)
        self.step = now

    def spared(self, end: int) -> int:
        """Return the trajectory-steps up to the step `end` that need not be done: some have stopped."""
        return self._skipped + int((self.stopped >= 0).sum()) * (end - self.step)

    def _segments(self, batch: Batch, start: int, steps: int) -> Iterator[tuple[int, int]]:
        """Yield first steps and numbers of steps of launches, and after each leave out who has stopped."""
        if not len(self._lowered.events.stops):
            yield start, steps
            return
        done = 0
        self._batches.look_who_stopped(batch)  # now, so that memory is not asked for between two launches
        while done < steps and batch.going:
            length = segment_steps(batch.going, self._lowered.network.parameters, SEGMENT, LEAST_STEPS)
            length = min(steps - done, length)
            yield start + done, length
            done += length
            self._skipped += (batch.count - batch.going) * length
            self._batches.look_who_stopped(batch)
        self._skipped += batch.count * (steps - done)

    def measure(self, observer: Observer, last: bool, deliver: Callable[[], None]) -> None:
        """Measure a snapshot, which the observer takes and `deliver` hands on once it has left the device.

        At the `last` one look for passages and divergences as well.
        """
        self._deliver()
        now = self.step

        def work(batch: Batch) -> None:
            if last:
                self._launch(batch, now, 0, closing=True)
            record = self._measure(batch, observer, now)
            if batch.count == self._count:
                self._pending = _both(record, deliver)
            else:
                record()

        self._batches.each(work)
        if self._pending is None:
            deliver()

    def checkpoint(self, snapshots: int) -> Checkpoint:
        """Return a copy of where the trajectories are, of which `snapshots` snapshots have been taken."""
        self._deliver()
        points = self._batches.points()
        return Checkpoint(self.step, snapshots, points, self.diverged.copy(), self.passed.copy())

    def finish(self) -> None:
        """Deliver the last snapshot, and bring divergences and passages home."""
        self._deliver()
        self._batches.bring_events()

    def kernel_seconds(self, steps: int) -> float:
        """Advance all trajectories by some steps, and return the time that the kernels took on the device."""
        taken = []

        def work(batch: Batch) -> None:
            def launch() -> None:
                self._launch(batch, self.step, steps, closing=False)

            taken.append(streams.device_seconds(launch, self._launcher.stream))

        self._batches.each(work)
        self.step += steps
        return float(sum(taken))

    def takes(self) -> dict[str, int]:
        """Return registers of a thread, threads and shared bytes of a block, after a launch."""
        program = model_program(self._study, self._lowered, self.where)
        return {
            "registers": program.registers("advance"),
            "threads": program.threads,
            "shared": program.shared,
        }

    def _deliver(self) -> None:
        pending, self._pending = self._pending, None
        if pending is not None:
            pending()

    def _launch(self, batch: Batch, start: int, steps: int, closing: bool) -> None:
        if not batch.going:
            return
        low, given = self._lowered, self._setting
        where = measuring_class(low, self._study.dtype) if closing else self.where
        job = Advance(
            batch.state, batch.diverged, batch.passed, batch.rows, self._first + batch.first, start, steps,
            given.data, given.dynamics, low.key, given.events,
        )  # fmt: skip
        program = model_program(self._study, low, where)
        self._launcher.run(program, "look" if closing else "advance", batch.going, job)

    def _measure(self, batch: Batch, observer: Observer, now: int) -> Callable[[], None]:
        """Start measuring a batch; what is returned waits for it and lets the observer record it."""
        first = self._first + batch.first
        found = measurements(self._setting, observer, batch, (first, now), self._launcher)

        def record_rows(memory: Any, indices: Any, a: int, b: int) -> None:
            rows = slice(batch.first + a, batch.first + b)
            observer.record(rows, measured_rows(found, a, b, self._lowered, first, now), now)

        def record() -> None:
            with spend("copy"):
                found.wait()
                self.diverged[batch.first : batch.last] = found.rows("diverged")
            with spend("measure"):
                begin, *rest = self._workers.ranges(batch.count, 4 * self._workers.threads)
                record_rows(None, None, *begin)  # what observables ask for is copied meanwhile, by one thread
                for _ in self._workers.map(record_rows, rest):
                    pass

        return record


def _both(first: Callable[[], None], second: Callable[[], None]) -> Callable[[], None]:
    def both() -> None:
        first()
        second()

    return both
