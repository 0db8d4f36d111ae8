"""What a study will take before it is run: time, memory, disk, and how many tasks of a job array."""

from __future__ import annotations

import dataclasses
import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fastsde.granted import default_threads
from fastsde.parts import Options
from fastsde.plan import Shard, default_size, shard_range
from fastsde.resources import disk_need, memory_need, row_bytes

if TYPE_CHECKING:
    from fastsde.data import Problem
    from fastsde.study import Study

__all__ = ["ArrayRow", "Forecast", "Speed", "array_row", "forecast", "suggested_tasks"]

START_SECONDS = 1.3
"""A process: Python, imports, the data. Measured by ``python -m bench.arrays``, as the next two."""
MODEL_SECONDS = 0.05
"""A model in a process: loading its compiled code."""
PART_SECONDS = 0.04
"""A part: its folder, its file, its checksum, its flush."""
BYTE_SECONDS = 1.8e-9
"""A byte of a part, where the disk keeps up: copying, writing and its share of the checksum."""
PROBE_STEPS, PROBE_TRAJECTORIES = 8, 512
PILOT_SECONDS = 3.0
"""Longest time of a pilot run of one model."""
TASK_SECONDS = 1800.0
"""A task of a job array should be about as long: short ones burden a scheduler, long ones wait for room."""
ALONE_SECONDS = 1200.0
"""A run shorter than this needs no job array."""


@dataclass(frozen=True)
class Speed:
    """What a model costs on this machine with all threads at work.

    Attributes
    ----------
    step
        Seconds of one integrator step of one trajectory.
    snapshot
        Seconds of measuring one trajectory at one snapshot.
    share
        Share of the study's time that the pilot went through; costs fall when events have happened.
    """

    step: float
    snapshot: float
    share: float


@dataclass(frozen=True)
class ArrayRow:
    """What a job array of so many tasks takes: seconds of a task, efficiency, files, their size, part size.

    `efficiency` is the time that goes into steps and snapshots over all time of all tasks; `seconds` that of
    the longest task.
    """

    tasks: int
    seconds: float
    efficiency: float
    files: int
    file_bytes: int
    part_size: int


@dataclass(frozen=True)
class Forecast:
    """What a study takes.

    Attributes
    ----------
    threads
        Threads that the times are for.
    seconds
        Time of the whole run in one process, without analysis and report.
    model_seconds
        Of that, each model's.
    memory, disk, files
        Bytes of memory at the peak, bytes on disk, number of files.
    arrays
        Job arrays of growing numbers of tasks.
    suggested
        How many tasks to take; 1: no job array.
    """

    threads: int
    seconds: float
    model_seconds: dict[str, float]
    memory: int
    disk: int
    files: int
    arrays: list[ArrayRow]
    suggested: int

    def to_mapping(self) -> dict[str, Any]:
        """Give it as plain values, for JSON."""
        return dataclasses.asdict(self)


def forecast(study: Study, *, threads: int | None = None, tasks: int | None = None) -> Forecast:
    """Measure a study's models on this machine for a few seconds, and say what the whole takes.

    Parameters
    ----------
    study
        What is going to be run.
    threads
        Of a process; None: as many as are granted.
    tasks
        Also look at a job array of so many tasks.

    Notes
    -----
    A model is run in whole with two blocks of trajectories a thread if that takes less than three seconds,
    else as far as it gets: while events are awaited steps cost more, so the time of long studies is rather
    over-estimated.
    """
    from fastsde.data import build_problem
    from fastsde.origin import resolve

    study = resolve(study)
    threads = threads or default_threads()
    problem = build_problem(study)
    speeds = {name: measure(study, name, problem, threads) for name in study.models}
    options = Options(threads=threads)
    whole = array_row(study, speeds, threads, 1)
    suggested = suggested_tasks(study, whole.seconds, threads)
    counts = sorted({1, 10, 100, 1000, 10_000, suggested, *([tasks] if tasks else [])})
    need = disk_need(study, options)
    return Forecast(
        threads,
        whole.seconds,
        {name: _model_seconds(study, name, speed, threads, Shard(1, 1)) for name, speed in speeds.items()},
        memory_need(study, options, threads),
        need.bytes,
        need.files,
        [array_row(study, speeds, threads, n) for n in counts if n <= study.trajectories],
        suggested,
    )


def measure(study: Study, name: str, problem: Problem, threads: int) -> Speed:
    """Run a model for a few seconds on all threads and return what a step and a snapshot cost."""
    from fastsde.kernels.lanes import lane_count

    def timed(count: int, steps: int, snapshots: list[int]) -> float:
        from fastsde.ensemble import integrate

        short = study.replace(time={"steps": steps, "snapshots": {"at": snapshots}}, trajectories=count)
        begun = time.perf_counter()
        integrate(short, name, 0, count, problem=problem, threads=threads)
        return time.perf_counter() - begun

    def best(count: int, steps: int, snapshots: list[int]) -> float:
        return min(timed(count, steps, snapshots) for _ in range(3))

    total = study.time.steps
    few = min(total, PROBE_STEPS)
    timed(1, 1, [1])
    many = min(default_size(study, name), study.trajectories, PROBE_TRAJECTORIES)
    snapshot = max(0.0, best(many, few, list(range(few + 1))) - best(many, few, [few])) / max(1, few - 1)
    count = 2 * threads * int(lane_count(study.dtype))
    empty = best(count, 1, [1])
    steps, seconds = few, max(1e-9, best(count, few, [few]) - empty)
    while steps < total and seconds < PILOT_SECONDS / 2:
        steps = min(total, max(steps + 1, int(steps * min(16.0, PILOT_SECONDS / max(seconds, 1e-4)))))
        seconds = max(1e-9, timed(count, steps, [steps]) - empty)
    per_step = seconds / steps / study.models[name].substeps / count
    return Speed(per_step, snapshot / many, steps / total)


def suggested_tasks(study: Study, seconds: float, threads: int) -> int:
    """Return how many tasks a job array should have: of about half an hour each, none for a short run."""
    if seconds <= ALONE_SECONDS:
        return 1
    most = max(1, study.trajectories // (16 * threads))
    return max(1, min(most, 10_000, round(seconds / TASK_SECONDS)))


def array_row(study: Study, speeds: dict[str, Speed], threads: int, tasks: int) -> ArrayRow:
    """Return what a job array takes in which the tasks have so many threads each."""
    longest = max(
        (Shard(i, tasks) for i in {1, tasks}), key=lambda s: len(shard_range(study.trajectories, s))
    )
    compute = sum(_model_seconds(study, name, speed, threads, longest) for name, speed in speeds.items())
    count = len(shard_range(study.trajectories, longest))
    parts = sum(math.ceil(count / default_size(study, name)) for name in speeds)
    seconds = START_SECONDS + len(speeds) * MODEL_SECONDS + parts * PART_SECONDS + compute
    useful = sum(_useful_seconds(study, name, speed) for name, speed in speeds.items())
    options = Options(shard=Shard(1, tasks))
    need = disk_need(study, options)
    size = min(count, max(default_size(study, name) for name in speeds))
    return ArrayRow(
        tasks,
        seconds,
        useful / (tasks * seconds),
        need.files,
        round(need.bytes / max(1, need.files - 2)),
        size,
    )


def _model_seconds(study: Study, name: str, speed: Speed, threads: int, shard: Shard) -> float:
    """Return the time of one model's trajectories in a shard, in whole blocks for every thread."""
    from fastsde.kernels.lanes import lane_count

    count, size = len(shard_range(study.trajectories, shard)), default_size(study, name)
    lanes = int(lane_count(study.dtype)) * threads
    whole, rest = divmod(count, size)
    rows = whole * math.ceil(size / lanes) * lanes + math.ceil(rest / lanes) * lanes
    return rows * _trajectory_seconds(study, name, speed)


def _useful_seconds(study: Study, name: str, speed: Speed) -> float:
    return study.trajectories * _trajectory_seconds(study, name, speed)


def _trajectory_seconds(study: Study, name: str, speed: Speed) -> float:
    steps = study.time.steps * study.models[name].substeps
    snapshots = len(study.time.snapshot_steps())
    return steps * speed.step + snapshots * speed.snapshot + row_bytes(study) * BYTE_SECONDS
