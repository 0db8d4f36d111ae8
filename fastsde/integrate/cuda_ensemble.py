"""Trajectories on a GPU: resident there from snapshot to snapshot."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastsde.integrate import devices
from fastsde.integrate.beginning import Beginning
from fastsde.integrate.checkpoint import Checkpoint
from fastsde.integrate.cuda_measurements import Setting, measured_rows, measurements
from fastsde.integrate.cuda_rows import Buffers, Rows
from fastsde.integrate.stopping import segment_steps
from fastsde.study.stops import forget_later, stopped_steps
from fastsde.system.errors import ResourceError
from fastsde.system.stopwatch import spend

if TYPE_CHECKING:
    from fastsde.integrate.lowering import Lowered
    from fastsde.integrate.observer import Observer
    from fastsde.study.study import Study

__all__ = ["Batch", "Resident"]

Array = NDArray[Any]
FREE_SHARE = 0.8
"""Of the free memory, what trajectories may take."""
ROOM_SHARE = 0.25
"""Of the free memory, what threads may take as global memory to work in."""
MOST_SLOTS, MOST_BLOCKS = 1 << 16, 1 << 12
"""Threads, and blocks of threads, that have global memory to work in at most."""
SEGMENT, LEAST_STEPS = 1 << 26, 256
"""Parameter-steps between two looks at who has stopped, and steps at least: about a hundredth of a second."""
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
        from fastsde.kernels import cuda
        from fastsde.kernels.cpu import Workers
        from fastsde.kernels.gpu.arguments import put_on

        devices.check_device(study)
        self._cuda: Any = cuda
        self._study, self._lowered = study, lowered
        self._first, self._count, self.step = first, count, begin.step
        self._width = lowered.network.parameters + lowered.carried
        self._start = begin.affine() if isinstance(begin, Beginning) else None
        self._home = Home(begin, count, self._width, lowered.passages, self._start is None)
        self.diverged, self.passed = self._home.diverged, self._home.passed
        self._stops = lowered.events.stops
        self.stopped = stopped_steps(self.passed, self._stops)
        self._skipped = 0
        self._on_progress = on_progress or (lambda done: None)
        self._done = 0
        self._workers = Workers(threads, 1, 1, study.dtype)
        self._streams = self._compute, self._copy = cuda.streams()
        self._buffers = Buffers()
        self._moving = Rows(self._buffers, self._compute, self._workers)
        self.where = devices.memory_class(lowered, study.dtype)
        info = cuda.describe()
        self.device = f"cuda: {info['name']}, memory of a trajectory: {self.where}"
        data, dynamics, events = (
            put_on(one, study.dtype, cuda.put) for one in (lowered.data, lowered.dynamics, lowered.events)
        )
        self._setting = Setting(study, lowered, data, dynamics, events, self._buffers, self._streams)
        self._rooms: dict[str, Any] = {}
        self._batch: Batch | None = None
        self._pending: Callable[[], None] | None = None
        self._resident = self._fitting()

    def __enter__(self) -> Resident:
        return self

    def __exit__(self, *exception: Any) -> None:
        self._workers.close()
        self._batch = None
        self._rooms.clear()
        self._buffers.keep()

    @property
    def rows(self) -> int:
        """Trajectories."""
        return self._count

    @property
    def resident(self) -> int:
        """Trajectories that are on the device at once."""
        return self._resident

    def advance(self, now: int) -> None:
        """Advance all trajectories to the integrator step `now`, and deliver the last snapshot meanwhile."""
        start, steps = self.step, now - self.step

        def work(batch: Batch) -> None:
            for begin, length in self._segments(batch, start, steps):
                self._launch(batch, begin, length, closing=False)
                self._deliver()
                with spend("kernel"):
                    self._compute.synchronize()
                self._done += batch.going * length
                self._on_progress(self._done)
            self._deliver()

        self._each(work)
        self.step = now

    def spared(self, end: int) -> int:
        """Return the trajectory-steps up to the step `end` that need not be done: some have stopped."""
        return self._skipped + int((self.stopped >= 0).sum()) * (end - self.step)

    def _segments(self, batch: Batch, start: int, steps: int) -> Iterator[tuple[int, int]]:
        """Yield first steps and numbers of steps of launches, and after each leave out who has stopped."""
        if not len(self._stops):
            yield start, steps
            return
        done = 0
        self._look_who_stopped(batch)  # now, so that memory is not asked for between two launches
        while done < steps and batch.going:
            length = segment_steps(batch.going, self._lowered.network.parameters, SEGMENT, LEAST_STEPS)
            length = min(steps - done, length)
            yield start + done, length
            done += length
            self._skipped += (batch.count - batch.going) * length
            self._look_who_stopped(batch)
        self._skipped += batch.count * (steps - done)

    def _look_who_stopped(self, batch: Batch) -> None:
        with spend("copy"):
            self._fetch_events(batch)
            self._choose(batch)

    def _choose(self, batch: Batch) -> None:
        """Say on the device which trajectories have not stopped."""
        going = np.flatnonzero(self.stopped[batch.first : batch.last] < 0)
        batch.rows.copy_to_device(np.resize(going, batch.count), stream=self._compute)
        batch.going = len(going)

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

        self._each(work)
        if self._pending is None:
            deliver()

    def checkpoint(self, snapshots: int) -> Checkpoint:
        """Return a copy of where the trajectories are, of which `snapshots` snapshots have been taken."""
        self._deliver()
        batch = self._whole()
        if batch is not None:
            with spend("copy"):
                points = np.empty((self._count, self._width), self._study.dtype)
                self._compute.synchronize()
                self._moving.bring(batch.state, points)
                self._fetch_events(batch)
        else:
            self._fetch()
            points = self._home.points.copy()
        return Checkpoint(self.step, snapshots, points, self.diverged.copy(), self.passed.copy())

    def finish(self) -> None:
        """Deliver the last snapshot, and bring divergences and passages home."""
        self._deliver()
        batch = self._whole()
        if batch is not None:
            with spend("copy"):
                self._fetch_events(batch)
        else:
            self._fetch()

    def kernel_seconds(self, steps: int) -> float:
        """Advance all trajectories by some steps, and return the time that the kernels took on the device."""
        taken = []

        def work(batch: Batch) -> None:
            taken.append(
                self._cuda.device_seconds(
                    lambda: self._launch(batch, self.step, steps, closing=False), self._compute
                )
            )

        self._each(work)
        self.step += steps
        return float(sum(taken))

    def takes(self) -> dict[str, int]:
        """Return registers of a thread, threads and shared bytes of a block, after a launch."""
        program = devices.model_program(self._study, self._lowered, self.where)
        return {
            "registers": self._cuda.registers(program, "advance"),
            "threads": program.threads,
            "shared": program.shared,
        }

    def _whole(self) -> Batch | None:
        """Return what is on the device if it is all trajectories."""
        return self._batch if self._batch is not None and self._batch.count == self._count else None

    def _deliver(self) -> None:
        pending, self._pending = self._pending, None
        if pending is not None:
            pending()

    def _launch(self, batch: Batch, start: int, steps: int, closing: bool) -> None:
        from fastsde.kernels.gpu.jobs import Advance

        if not batch.going:
            return
        where = devices.measuring_class(self._lowered, self._study.dtype) if closing else self.where
        program = devices.model_program(self._study, self._lowered, where)
        given = self._setting
        job = Advance(
            batch.state, batch.diverged, batch.passed, batch.rows, self._first + batch.first, start, steps,
            given.data, given.dynamics, self._lowered.key, given.events,
        )  # fmt: skip
        self._run(program, "look" if closing else "advance", batch.going, job)

    def _run(self, program: Any, task: str, count: int, job: Any) -> None:
        with spend("launch" if program.is_ready(task) else "compile"):
            program.launch(task, count, job, self._compute, self._room(program))

    def _room(self, program: Any) -> Any:
        """Return the global memory of a program, if that is where its trajectories work."""
        if program.where not in self._cuda.GLOBAL_MEMORY:
            return ()
        if program not in self._rooms:
            fitting = int(ROOM_SHARE * self._cuda.free_bytes()) // program.bytes
            most = MOST_BLOCKS if program.where == "team" else MOST_SLOTS
            slots = max(1, min(fitting, most, self._count))
            if program.where == "global" and slots > self._cuda.THREADS:
                slots -= slots % self._cuda.THREADS
            self._rooms[program] = self._cuda.workspace(program, slots)
        return self._rooms[program]

    def _measure(self, batch: Batch, observer: Observer, now: int) -> Callable[[], None]:
        """Start measuring a batch; what is returned waits for it and lets the observer record it."""
        first = self._first + batch.first
        found = measurements(
            self._setting,
            observer,
            batch,
            (first, now),
            lambda program, task, job: self._run(program, task, batch.count, job),
        )

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

    def _fitting(self) -> int:
        """Return how many trajectories fit the device's free memory."""
        low, itemsize = self._lowered, np.dtype(self._study.dtype).itemsize
        numbers = 2 * self._width + 6 * int(low.network.widths[0] * low.network.widths[-1]) + 32
        each = itemsize * numbers + 8 * (2 + self.passed.shape[1])
        free: int = self._cuda.free_bytes()
        return int(max(LEAST, min(self._count, int(FREE_SHARE * free) // each)))

    def _each(self, work: Callable[[Batch], None]) -> None:
        """Do something with all trajectories, a batch after the other, beginning with the one that is there.

        If the device's memory is full, go on with half as many at a time.
        """
        todo = [(0, self._count)]
        while todo:
            first, last = todo.pop()
            if last - first > self._resident:
                ranges = [(a, min(a + self._resident, last)) for a in range(first, last, self._resident)]
                here = None if self._batch is None else (self._batch.first, self._batch.last)
                todo += sorted(ranges, key=lambda r: (r == here, -r[0]))
                continue
            try:
                work(self._load(first, last))
            except Exception as error:
                if not self._cuda.is_out_of_memory(error):
                    refusal = devices.refusal(error, self._study)
                    if refusal is None:
                        raise
                    raise refusal from error
                self._make_room(last - first, error)
                todo.append((first, last))

    def _make_room(self, count: int, error: Exception) -> None:
        if count <= LEAST:
            raise ResourceError(
                f"{count} trajectories do not fit the memory of the GPU ({error})\n"
                "Fix: stop other programs that use it (nvidia-smi), record less, or use --device cpu"
            ) from error
        self._rooms.clear()
        self._buffers.drop()
        self._fetch()
        self._batch = None
        self._resident = max(LEAST, count // 2)

    def _load(self, first: int, last: int) -> Batch:
        """Return a batch on the device; what was there before is brought home first."""
        batch = self._batch
        if batch is not None and (batch.first, batch.last) == (first, last):
            return batch
        self._fetch()
        self._batch = None
        array, count = self._cuda.array, last - first
        batch = Batch(
            first,
            last,
            array((count, self._width), self._study.dtype),
            array((count,), np.int64),
            array((count, self._lowered.passages), np.int64),
            array((count,), np.int64),
            0,
        )
        self._choose(batch)
        with spend("start"):
            self._begin(batch)
        self._batch = batch
        return batch

    def _begin(self, batch: Batch) -> None:
        """Put trajectories where they are: at their starting points, or where they were before."""
        rows = slice(batch.first, batch.last)
        if self._home.has(rows):
            self._moving.send(self._home.points[rows], batch.state)
            batch.diverged.copy_to_device(self.diverged[rows], stream=self._compute)
            self._moving.send(self.passed[rows], batch.passed)
            self._compute.synchronize()
            return
        from fastsde.kernels.gpu.arguments import put_on
        from fastsde.kernels.gpu.jobs import Start

        assert self._start is not None
        dtype, low = self._study.dtype, self._lowered
        recipe = (put_on(one, dtype, self._cuda.put) for one in (self._start.origins, self._start.scales))
        job = Start(
            batch.state, batch.diverged, batch.passed, self._first + batch.first, low.start_key, *recipe
        )
        where = "local" if low.network.size * np.dtype(dtype).itemsize <= devices.LOCAL_BYTES else "global"
        self._run(devices.model_program(self._study, low, where), "start", batch.count, job)

    def _fetch(self) -> None:
        """Copy what is on the device to where the host keeps it."""
        if self._batch is not None:
            with spend("copy"):
                self._compute.synchronize()
                rows = slice(self._batch.first, self._batch.last)
                self._moving.bring(self._batch.state, self._home.room()[rows])
                self._home.there[rows] = True
                self._fetch_events(self._batch)

    def _fetch_events(self, batch: Batch) -> None:
        """Copy divergences and passages home."""
        rows = slice(batch.first, batch.last)
        self._compute.synchronize()
        here = self._buffers.on_host("noted", (batch.count,), np.int64)
        batch.diverged.copy_to_host(here)
        self.diverged[rows] = here
        self._moving.bring(batch.passed, self.passed[rows])
        if len(self._stops):
            self.stopped[rows] = stopped_steps(self.passed[rows], self._stops)
            forget_later(self.stopped[rows], self.diverged[rows], self.passed[rows])


class Home:
    """Where the host keeps trajectories that are not on the device, and what was noted of all.

    Parameters
    ----------
    begin : Checkpoint or Beginning
    count, width, passages : int
        Trajectories, numbers of each, and first passages that are looked for.
    drawn_here : bool
        Whether starting points are made on the host.

    Attributes
    ----------
    points : (count, width) array
    there : (count,) bool array
        Whose rows of the points are up to date, when they are not on the device.
    diverged, passed : arrays
        As `fastsde.integrate.checkpoint.Checkpoint` has them.
    """

    def __init__(
        self, begin: Checkpoint | Beginning, count: int, width: int, passages: int, drawn_here: bool
    ) -> None:
        self.there = np.full(count, drawn_here)
        self._count, self._width, self._own = count, width, False
        if isinstance(begin, Checkpoint):
            self.points = begin.parameters
            self.diverged, self.passed = begin.diverged.copy(), begin.passed.copy()
        else:
            self.points = begin.points() if drawn_here else np.empty((0, width), begin.study.dtype)
            self.diverged = np.full(count, -1, np.int64)
            self.passed = np.full((count, passages), -1, np.int64)

    def has(self, rows: slice) -> bool:
        """Say whether the points of some trajectories are here."""
        return bool(self.there[rows].all())

    def room(self) -> Array:
        """Return the points to write to: a copy of those that were given."""
        if not self._own:
            given, self._own = self.points, True
            self.points = np.zeros((self._count, self._width), given.dtype)
            self.points[: len(given), : given.shape[1]] = given
        return self.points


def _both(first: Callable[[], None], second: Callable[[], None]) -> Callable[[], None]:
    def both() -> None:
        first()
        second()

    return both
