"""Trajectories on a graphics processor: resident there from snapshot to snapshot."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastsde.checkpoint import Checkpoint
from fastsde.errors import DeviceError, ResourceError
from fastsde.measured import Measured

if TYPE_CHECKING:
    from fastsde.lowering import Lowered
    from fastsde.observables import Observer
    from fastsde.study import Study

__all__ = ["DEVICES", "Resident", "check_device", "choose_device", "classes", "memory_class", "survey"]

Array = NDArray[Any]
DEVICES = ("cpu", "cuda", "auto")
THREAD_BYTES = 1 << 10
"""Up to so much memory a trajectory has a thread; its numbers are mostly in registers."""
SHARED_BYTES = 48 << 10
"""Up to so much it has a warp and shared memory: what a block may have without asking."""
LOCAL_BYTES = 8 << 10
"""Up to so much a thread has memory of its own; above, it has a column of global memory."""
FREE_SHARE = 0.8
"""Of the free memory, what trajectories may take."""
ROOM_SHARE = 0.25
"""Of the free memory, what threads may take as global memory to work in."""
MOST_SLOTS = 1 << 16
LEAST = 32
"""Trajectories below which a smaller residency is not tried."""


def memory_class(lowered: Lowered, dtype: str) -> str:
    """Return where the memory of a trajectory of a model is while it advances.

    ``"local"``: a thread a trajectory, ``"shared"``: a warp a trajectory in shared memory, ``"global"``: a
    thread a trajectory, in global memory.
    """
    from fastsde.kernels import team

    size = lowered.network.size
    bytes_needed = (size + team.PARTS) * np.dtype(dtype).itemsize + 4 * lowered.choice
    if bytes_needed <= THREAD_BYTES:
        return "local"
    if team.works_for(lowered.dynamics, lowered.data) and bytes_needed <= SHARED_BYTES:
        return "shared"
    return "local" if bytes_needed <= LOCAL_BYTES else "global"


WORDS = {
    "local": "a thread a trajectory",
    "shared": "a warp a trajectory, in shared memory",
    "global": "a thread a trajectory, in global memory",
}


def classes(study: Study) -> dict[str, str]:
    """Return for each model of a study how a graphics processor would hold a trajectory, in words.

    Examples
    --------
    >>> from fastsde.study import Study
    >>> study = Study.from_mapping({
    ...     "trajectories": 1,
    ...     "network": {"widths": [4, 10, 10, 4], "init": {"std": 0.1}},
    ...     "data": {"samples": 16, "teacher": {"singular_values": [2.0, 1.0]}},
    ...     "time": {"learning_rate": 0.1, "steps": 100},
    ...     "models": {"sgd": {"kind": "sgd"}},
    ... })
    >>> classes(study)
    {'sgd': 'a warp a trajectory, in shared memory; 1.1e+04 bytes each'}
    """
    from fastsde.data import build_problem
    from fastsde.lowering import lower

    why = obstacle(study)
    if why is not None:
        return dict.fromkeys(study.models, f"not at all: {why.splitlines()[0]}")
    problem = build_problem(study)
    itemsize = np.dtype(study.dtype).itemsize
    found = {}
    for name in study.models:
        lowered = lower(study, name, problem)
        size = lowered.network.size * itemsize
        found[name] = f"{WORDS[memory_class(lowered, study.dtype)]}; {size:.2g} bytes each"
    return found


def simulated() -> bool:
    """Say whether numba's simulator stands for a device."""
    return os.environ.get("NUMBA_ENABLE_CUDASIM", "0") == "1"


def unusable() -> str | None:
    """Return why no graphics processor can be used, and how to mend it; None if one can."""
    if not simulated() and importlib.util.find_spec("numba_cuda") is None:
        return (
            "the package numba-cuda is not installed\n"
            "  mend: pip install 'fastsde[cuda13]' for a driver of version 580 or later, "
            "'fastsde[cuda12]' for one of version 525 or later"
        )
    from fastsde.kernels import cuda

    problem: str | None = cuda.complaint()
    if problem is None:
        return None
    return (
        f"the driver does not give one: {problem}\n"
        "  mend: look at nvidia-smi; a driver older than 525 is too old, one older than 580 needs "
        "fastsde[cuda12] instead of fastsde[cuda13]; CUDA_VISIBLE_DEVICES may hide it"
    )


def obstacle(study: Study) -> str | None:
    """Return what of a study no graphics processor can compute; None if there is nothing."""
    if study.landscape is not None and study.landscape.code == "user":
        return (
            "landscape.kind = 'user': a function compiled for this machine's processor cannot be called on "
            "a graphics processor\n  mend: --device cpu"
        )
    return None


def choose_device(study: Study, wanted: str, number: int | None = None) -> str:
    """Return "cpu" or "cuda" for what a user wants; "auto" takes a graphics processor where there is one.

    Parameters
    ----------
    study : Study
    wanted : {"cpu", "cuda", "auto"}
    number : int, optional
        Which graphics processor this process takes.

    Raises
    ------
    DeviceError
        If "cuda" is wanted and cannot be had, saying why.

    Examples
    --------
    >>> choose_device(None, "cpu")
    'cpu'
    """
    if wanted not in DEVICES:
        raise DeviceError(f"device is {wanted!r}\n  allowed: {', '.join(DEVICES)}")
    if wanted == "cpu" or (wanted == "auto" and (obstacle(study) or unusable())):
        return "cpu"
    check_device(study)
    if number is not None:
        _select(number)
    return "cuda"


def _select(number: int) -> None:
    from fastsde.kernels import cuda

    there = cuda.count()
    if number >= there:
        raise DeviceError(
            f"there is no graphics processor {number}: this process sees {there}, numbered from 0\n"
            "  mend: a smaller --gpu; CUDA_VISIBLE_DEVICES says which ones a process sees"
        )
    cuda.select(number)


def survey() -> dict[str, Any]:
    """Return what there is to compute on beside processors, or why there is nothing."""
    why = unusable()
    if why is not None:
        return {"usable": False, "why": why.splitlines()[0]}
    from fastsde.kernels import cuda

    return {"usable": True, "devices": cuda.count(), **cuda.describe()}


def check_device(study: Study) -> None:
    """Refuse a study that cannot be computed on a graphics processor here."""
    why = obstacle(study) or unusable()
    if why is not None:
        raise DeviceError(f"no graphics processor can be used: {why}")


def model_program(study: Study, lowered: Lowered, where: str, **more: Any) -> Any:
    """Return the program of a model, the same for all of its parts: they differ in numbers only."""
    from fastsde.kernels import device
    from fastsde.kernels.cuda import Program

    dynamics = more.pop("dynamics", lowered.dynamics)
    key = (
        study.dtype,
        where,
        device.frozen(lowered.network),
        lowered.carried,
        lowered.choice,
        device.structure(lowered.data),
        device.structure(dynamics),
        tuple((name, device.frozen(value)) for name, value in more.items()),
    )
    if key not in _PROGRAMS:
        _PROGRAMS[key] = Program(
            lowered.network,
            lowered.data,
            study.dtype,
            dynamics=dynamics,
            carried=lowered.carried,
            choice=lowered.choice,
            where=where,
            **more,
        )
    return _PROGRAMS[key]


_PROGRAMS: dict[Any, Any] = {}


@dataclass
class Batch:
    """Trajectories `first` .. `last` - 1 of the range, on the device."""

    first: int
    last: int
    state: Any
    exploded: Any
    passed: Any

    @property
    def count(self) -> int:
        """Return how many they are."""
        return self.last - self.first


class Resident:
    """Trajectories ``first .. first + count - 1`` of one model on a graphics processor.

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
        from fastsde.kernels import cuda, device
        from fastsde.kernels.cpu import Workers

        check_device(study)
        self._cuda, self._study, self._lowered = cuda, study, lowered
        self._first, self._count, self.step = first, count, begin.step
        self._state = np.asfortranarray(begin.parameters)
        self.exploded, self.passed = begin.exploded.copy(), np.asfortranarray(begin.passed)
        self._on_progress = on_progress or (lambda done: None)
        self._done = 0
        self._workers = Workers(threads, 1, 1, study.dtype)
        self._compute, self._copy = cuda.streams()
        self.where = memory_class(lowered, study.dtype)
        info = cuda.describe()
        self.device = f"cuda: {info['name']}, memory of a trajectory: {self.where}"
        put = cuda.put
        self._data = device.put_on(lowered.data, study.dtype, put)
        self._events = device.put_on(lowered.events, study.dtype, put)
        self._dynamics = device.put_on(lowered.dynamics, study.dtype, put)
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

        At the `last` one look for passages and explosions as well.
        """
        self._deliver()
        now = self.step

        def work(batch: Batch) -> None:
            if last:
                self._launch(batch, now, 0, closing=True)
            record = self._measure(batch, observer, now)
            if batch.count == self._count:
                self._pending = lambda: (record(), deliver())  # type: ignore[func-returns-value]
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
            self.exploded.copy(),
            np.ascontiguousarray(self.passed),
        )

    def finish(self) -> None:
        """Deliver the last snapshot, and bring explosions and passages home."""
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
        program = model_program(self._study, self._lowered, self.where)
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
        from fastsde.kernels.device import Advance

        program = model_program(self._study, self._lowered, self.where)
        job = Advance(
            batch.state, batch.exploded, batch.passed, self._first + batch.first, start, steps, closing,
            self._data, self._dynamics, self._lowered.key, self._events,
        )  # fmt: skip
        program.launch("advance", batch.count, job, self._compute, self._room(program))

    def _room(self, program: Any) -> Any:
        """Return the global memory of a program, if that is where its trajectories work."""
        if program.where != "global":
            return ()
        if program not in self._rooms:
            fitting = int(ROOM_SHARE * self._cuda.free_bytes()) // program.bytes
            slots = max(1, min(fitting, MOST_SLOTS, self._count))
            if slots > self._cuda.THREADS:
                slots -= slots % self._cuda.THREADS
            self._rooms[program] = self._cuda.rooms(program, slots)
        return self._rooms[program]

    def _measure(self, batch: Batch, observer: Observer, now: int) -> Callable[[], None]:
        """Start measuring a batch; what is returned waits for it and lets the observer record it."""
        arrays = self._measurements(batch, observer, now)
        self._cuda.after(self._compute, self._copy)
        here = {name: self._cuda.pinned(a.shape, a.dtype) for name, a in arrays.items()}
        for name, there in arrays.items():
            there.copy_to_host(here[name], stream=self._copy)

        def record() -> None:
            self._copy.synchronize()
            arrays.clear()
            self.exploded[batch.first : batch.last] = here["exploded"]
            for _ in self._workers.map(
                lambda memory, choice, a, b: observer.record(
                    slice(batch.first + a, batch.first + b), _measured(here, a, b), now
                ),
                self._workers.ranges(batch.count, 4 * self._workers.threads),
            ):
                pass

        return record

    def _measurements(self, batch: Batch, observer: Observer, now: int) -> dict[str, Any]:
        """Return arrays on the device that nothing changes: measurements, and a copy of the state."""
        from fastsde.kernels.device import Curve, Measure, Noise, put_on

        cuda, low, study, count = self._cuda, self._lowered, self._study, batch.count
        size = int(low.network.widths[0] * low.network.widths[-1])
        columns = cuda.array((count, 2 + len(low.network.weight) + size), study.dtype)
        where = "local" if low.network.size * np.dtype(study.dtype).itemsize <= LOCAL_BYTES else "global"
        program = model_program(study, low, where, trace=observer.trace)
        job = Measure(batch.state, columns, self._data)
        program.launch("measure", count, job, self._compute, self._room(program))
        found = {"columns": columns, "exploded": cuda.array(count, np.int64)}
        found["exploded"].copy_to_device(batch.exploded, stream=self._compute)
        if observer.wanted & {"parameters", "mode_drift", "mode_diffusion", "layer_alignment"}:
            found["states"] = cuda.array(batch.state.shape, study.dtype)
            found["states"].copy_to_device(batch.state, stream=self._compute)
        if "update_noise" in observer.wanted:
            nothing = cuda.put(np.full(1, -1)), cuda.put(np.empty((1, 0), np.int64))
            quiet = put_on(low.quiet, study.dtype, cuda.put)
            for name, dynamics, given in (
                ("noisy", low.dynamics, self._dynamics),
                ("quiet", low.quiet, quiet),
            ):
                found[name] = cuda.array((count, size), study.dtype)
                program = model_program(study, low, where, dynamics=dynamics)
                noise = Noise(
                    batch.state, found[name], *nothing, self._first + batch.first, now,
                    self._data, given, low.key, self._events,
                )  # fmt: skip
                program.launch("noise", count, noise, self._compute, self._room(program))
        if observer.wanted & {"hessian_min", "hessian_max", "hessian_error"}:
            plan, starts, tolerance = _lanczos(study, low)
            found["curvature"] = cuda.array((count, 3), study.dtype)
            program = model_program(study, low, "global", plan=plan)
            real = np.dtype(study.dtype).type
            curve = Curve(
                batch.state, batch.exploded, columns, found["curvature"], self._data, cuda.put(starts),
                real(tolerance),
            )  # fmt: skip
            program.launch("curve", count, curve, self._compute, self._room(program))
        return found

    def _fitting(self) -> int:
        """Return how many trajectories fit the device's free memory."""
        low, itemsize = self._lowered, np.dtype(self._study.dtype).itemsize
        numbers = 2 * self._state.shape[1] + 4 * int(low.network.widths[0] * low.network.widths[-1]) + 16
        each = itemsize * numbers + 8 * (2 + self.passed.shape[1])
        return max(LEAST, min(self._count, int(FREE_SHARE * self._cuda.free_bytes()) // each))

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
                    raise
                self._make_room(last - first, error)
                todo.append((first, last))

    def _make_room(self, count: int, error: Exception) -> None:
        if count <= LEAST:
            raise ResourceError(
                f"{count} trajectories do not fit the memory of the graphics processor ({error})\n"
                "  mend: end what else uses it (nvidia-smi), record less, or --device cpu"
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
            put(np.ascontiguousarray(self.exploded[rows])),
            put(np.asfortranarray(self.passed[rows])),
        )
        return self._batch

    def _fetch(self) -> None:
        """Copy what is on the device to where the host keeps it."""
        if self._batch is not None:
            self._compute.synchronize()
            rows = slice(self._batch.first, self._batch.last)
            self._state[rows] = self._batch.state.copy_to_host()
            self.exploded[rows] = self._batch.exploded.copy_to_host()
            if self.passed.size:
                self.passed[rows] = self._batch.passed.copy_to_host()


def _measured(here: dict[str, Array], begin: int, end: int) -> Measured:
    """Return some rows of measurements, as the observer takes them."""

    def rows(name: str) -> Array:
        return np.ascontiguousarray(here[name][begin:end])

    def noise() -> Array:
        with np.errstate(invalid="ignore"):  # exploded trajectories
            return np.asarray(rows("noisy") - rows("quiet"))

    return Measured(
        rows("columns"), states=lambda: rows("states"), noise=noise, curvature=lambda bad: rows("curvature")
    )


def _lanczos(study: Study, lowered: Lowered) -> tuple[Any, Array, float]:
    """Return places, starting vectors and tolerance of Lanczos."""
    from fastsde.curvature import lanczos_setting

    return lanczos_setting(lowered.network, np.dtype(study.dtype))


def task_options(study: Study, lowered: Lowered, task: str) -> dict[str, Any]:
    """Return what the program of a task takes beside a model."""
    if task == "curve":
        return {"plan": _lanczos(study, lowered)[0]}
    return {"trace": lowered.trace} if task == "measure" else {}


def host_job(study: Study, lowered: Lowered, task: str) -> Any:
    """Return the numbers of a task for a few trajectories, on the host: their types are those on a device."""
    from fastsde.kernels import device

    events, low = lowered.events, lowered
    count, dtype = 4, np.dtype(study.dtype)
    passages = len(events.levels) + events.thresholds.size + len(events.radii)
    size = int(low.network.widths[0] * low.network.widths[-1])

    def room(*shape: int, kind: Any = dtype) -> Array:
        return np.zeros(shape, kind, order="F")

    def put(value: Any) -> Any:
        return device.put_on(value, dtype, lambda array: array)

    state, exploded = room(count, low.network.parameters + low.carried), room(count, kind=np.int64)
    passed = room(count, passages, kind=np.int64)
    data, dynamics = put(low.data), put(low.dynamics)
    columns = room(count, 2 + len(low.network.weight) + size)
    if task == "advance":
        return device.Advance(state, exploded, passed, 0, 0, 1, True, data, dynamics, low.key, put(events))
    if task == "measure":
        return device.Measure(state, columns, data)
    if task == "noise":
        return device.Noise(
            state, room(count, size), exploded, passed, 0, 0, data, dynamics, low.key, put(events)
        )
    if task == "curve":
        _, starts, tolerance = _lanczos(study, low)
        return device.Curve(state, exploded, columns, room(count, 3), data, starts, dtype.type(tolerance))
    return device.Start(state, 0, low.key)
