"""Trajectories on a GPU: resident there from snapshot to snapshot."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastsde.integrate import devices
from fastsde.integrate.checkpoint import Checkpoint
from fastsde.integrate.cuda_measurements import measured_rows, measurements
from fastsde.system.errors import ResourceError

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
    begin : Checkpoint
        Where the trajectories are.
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
        begin: Checkpoint,
        on_progress: Callable[[int], None] | None = None,
    ) -> None:
        from fastsde.kernels import cuda
        from fastsde.kernels.cpu import Workers
        from fastsde.kernels.gpu.arguments import put_on

        devices.check_device(study)
        self._cuda: Any = cuda
        self._study, self._lowered = study, lowered
        self._first, self._count, self.step = first, count, begin.step
        self._state = np.asfortranarray(begin.parameters)
        self.diverged, self.passed = begin.diverged.copy(), np.asfortranarray(begin.passed)
        self._on_progress = on_progress or (lambda done: None)
        self._done = 0
        self._workers = Workers(threads, 1, 1, study.dtype)
        self._compute, self._copy = cuda.streams()
        self.where = devices.memory_class(lowered, study.dtype)
        info = cuda.describe()
        self.device = f"cuda: {info['name']}, memory of a trajectory: {self.where}"
        put = cuda.put
        self._data = put_on(lowered.data, study.dtype, put)
        self._events = put_on(lowered.events, study.dtype, put)
        self._dynamics = put_on(lowered.dynamics, study.dtype, put)
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
            self._launch(batch, start, steps, closing=False)
            self._deliver()
            self._compute.synchronize()
            self._done += batch.count * steps
            self._on_progress(self._done)

        self._each(work)
        self.step = now

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
        self._fetch()
        return Checkpoint(
            self.step,
            snapshots,
            np.ascontiguousarray(self._state),
            self.diverged.copy(),
            np.ascontiguousarray(self.passed),
        )

    def finish(self) -> None:
        """Deliver the last snapshot, and bring divergences and passages home."""
        self._deliver()
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
            "shared": program.bytes if self.where == "shared" else 0,
        }

    def _deliver(self) -> None:
        pending, self._pending = self._pending, None
        if pending is not None:
            pending()

    def _launch(self, batch: Batch, start: int, steps: int, closing: bool) -> None:
        from fastsde.kernels.gpu.jobs import Advance

        program = devices.model_program(self._study, self._lowered, self.where)
        job = Advance(
            batch.state, batch.diverged, batch.passed, self._first + batch.first, start, steps, closing,
            self._data, self._dynamics, self._lowered.key, self._events,
        )  # fmt: skip
        self._run(program, "advance", batch.count, job)

    def _run(self, program: Any, task: str, count: int, job: Any) -> None:
        program.launch(task, count, job, self._compute, self._room(program))

    def _copied(self, array: Any) -> Any:
        """Return a copy on the device, which the next launch leaves alone."""
        copy = self._cuda.array(array.shape, array.dtype)
        copy.copy_to_device(array, stream=self._compute)
        return copy

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
        arrays = measurements(
            self._study,
            self._lowered,
            observer,
            batch,
            (self._data, self._dynamics, self._events),
            (self._first + batch.first, now),
            lambda program, task, job: self._run(program, task, batch.count, job),
            self._copied,
        )
        self._cuda.after(self._compute, self._copy)
        here = {name: self._cuda.pinned(a.shape, a.dtype) for name, a in arrays.items()}
        for name, there in arrays.items():
            there.copy_to_host(here[name], stream=self._copy)

        def record() -> None:
            self._copy.synchronize()
            arrays.clear()
            self.diverged[batch.first : batch.last] = here["diverged"]
            for _ in self._workers.map(
                lambda memory, indices, a, b: observer.record(
                    slice(batch.first + a, batch.first + b),
                    measured_rows(here, a, b, self._lowered, self._first + batch.first, now),
                    now,
                ),
                self._workers.ranges(batch.count, 4 * self._workers.threads),
            ):
                pass

        return record

    def _fitting(self) -> int:
        """Return how many trajectories fit the device's free memory."""
        low, itemsize = self._lowered, np.dtype(self._study.dtype).itemsize
        numbers = 2 * self._state.shape[1] + 4 * int(low.network.widths[0] * low.network.widths[-1]) + 16
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
        self._fetch()
        self._batch = None
        self._rooms.clear()
        self._resident = max(LEAST, count // 2)

    def _load(self, first: int, last: int) -> Batch:
        """Return a batch on the device; what was there before is brought home first."""
        batch = self._batch
        if batch is not None and (batch.first, batch.last) == (first, last):
            return batch
        self._fetch()
        self._batch = None
        rows, put = slice(first, last), self._cuda.put
        self._batch = Batch(
            first,
            last,
            put(np.asfortranarray(self._state[rows])),
            put(np.ascontiguousarray(self.diverged[rows])),
            put(np.asfortranarray(self.passed[rows])),
        )
        return self._batch

    def _fetch(self) -> None:
        """Copy what is on the device to where the host keeps it."""
        if self._batch is not None:
            self._compute.synchronize()
            rows = slice(self._batch.first, self._batch.last)
            self._state[rows] = self._batch.state.copy_to_host()
            self.diverged[rows] = self._batch.diverged.copy_to_host()
            if self.passed.size:
                self.passed[rows] = self._batch.passed.copy_to_host()


def _both(first: Callable[[], None], second: Callable[[], None]) -> Callable[[], None]:
    def both() -> None:
        first()
        second()

    return both
