"""What a study will take before it is run: time, memory, disk, and how many tasks of a job array."""

from __future__ import annotations

import dataclasses
import json
import math
import statistics
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fastsde.run.options import Options
from fastsde.run.resources import disk_need, memory_need, row_bytes
from fastsde.storage import schema
from fastsde.storage.plan import Shard, default_size, shard_range
from fastsde.system.progress import Progress, Silent
from fastsde.system.threads import default_threads

if TYPE_CHECKING:
    from fastsde.problem.data import Problem
    from fastsde.study.study import Study

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
PILOT_WORK = 2e8
"""Parameter-steps of a pilot run: its length is a function of the study, so that two forecasts agree."""
ROUNDS, ROUND_SECONDS = 5, 1.5
"""A pilot is run so often, or until so much time has passed, at least three times; the median is taken."""
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
        Share of the study's time that the pilot goes through; costs fall when events have happened.
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
        Time of a whole study in one process: the sum of the four that follow.
    start_seconds
        Starting, loading compiled code, and what each part costs beside its numbers.
    model_seconds
        Each model's integration.
    analysis_seconds
        Of each section of the analysis: see `fastsde.analysis.cost` for how well they are known.
    report_seconds
        Figures and page.
    summaries
        What each model is.
    memory, disk, files
        Bytes of memory at the peak, bytes on disk, number of files.
    arrays
        Job arrays of growing numbers of tasks.
    suggested
        How many tasks to take; 1: no job array.
    """

    threads: int
    seconds: float
    start_seconds: float
    model_seconds: dict[str, float]
    analysis_seconds: dict[str, float]
    report_seconds: float
    summaries: dict[str, str]
    memory: int
    disk: int
    files: int
    arrays: list[ArrayRow]
    suggested: int

    def to_mapping(self) -> dict[str, Any]:
        """Give it as plain values, for JSON."""
        return dataclasses.asdict(self)


def forecast(
    study: Study,
    *,
    threads: int | None = None,
    tasks: int | None = None,
    part_size: int | None = None,
    progress: Progress | None = None,
    known: dict[str, Speed] | None = None,
) -> Forecast:
    """Measure a study's models on this machine for a few seconds, and say what the whole takes.

    Parameters
    ----------
    study
        What is going to be run.
    threads
        Of a process; None: as many as are granted.
    tasks
        Also look at a job array of so many tasks.
    part_size
        Trajectories of a part; None: the default of each model.
    progress
        Told which model is measured.
    known
        Speeds measured before, which this forecast uses and adds to: the cases of a sweep share them.

    Notes
    -----
    A pilot run has two blocks of trajectories per thread and `PILOT_WORK` parameter-steps, the whole time of
    a short study: while events are awaited steps cost more, so the time of long studies is rather
    over-estimated.
    """
    from fastsde.analysis.cost import analysis_seconds, machine_speed, report_seconds
    from fastsde.problem.data import build_problem
    from fastsde.storage.initial_states import resolve

    study = resolve(study)
    threads = threads or default_threads()
    problem = build_problem(study)
    speeds = _speeds(study, problem, threads, progress or Silent(), {} if known is None else known)
    options = Options(threads=threads, part_size=part_size)
    whole = array_row(study, speeds, threads, 1, part_size)
    suggested = suggested_tasks(study, whole.seconds, threads)
    counts = sorted({1, 10, 100, 1000, 10_000, suggested, *([tasks] if tasks else [])})
    need = disk_need(study, options)
    models = {
        name: _model_seconds(study, name, one, threads, Shard(1, 1), part_size)
        for name, one in speeds.items()
    }
    start, machine = whole.seconds - sum(models.values()), machine_speed()
    analysis, report = analysis_seconds(study, threads, machine), report_seconds(study, machine)
    return Forecast(
        threads=threads,
        seconds=start + sum(models.values()) + sum(analysis.values()) + report,
        start_seconds=start,
        model_seconds=models,
        analysis_seconds=analysis,
        report_seconds=report,
        summaries={name: model.summary() for name, model in study.models.items()},
        memory=memory_need(study, options, threads),
        disk=need.bytes,
        files=need.files,
        arrays=[array_row(study, speeds, threads, n, part_size) for n in counts if n <= study.trajectories],
        suggested=suggested,
    )


def _speeds(
    study: Study, problem: Problem, threads: int, progress: Progress, known: dict[str, Speed]
) -> dict[str, Speed]:
    """Measure the models whose speed is not known yet."""
    keys = {name: _likeness(study, name) for name in study.models}
    new = [name for name, key in keys.items() if key not in known]
    if new:
        with progress.task("measure", len(new), "models"):
            for number, name in enumerate(new):
                progress.update(number, name)
                known[keys[name]] = measure(study, name, problem, threads)
            progress.update(len(new))
    return {name: known[key] for name, key in keys.items()}


def _likeness(study: Study, name: str) -> str:
    """Return what the speed of a model depends on: not the seeds, the learning rate or the other models."""
    content = study.to_mapping()
    for key in ("seed", "trajectories"):
        content.pop(key, None)
    if content.get("data"):
        content["data"].pop("seed", None)
    content["time"].pop("learning_rate")
    content["models"] = content["models"][name]
    return json.dumps(content, sort_keys=True)


def measure(study: Study, name: str, problem: Problem, threads: int) -> Speed:
    """Run a model for a few seconds on all threads and return what a step and a snapshot cost."""
    from fastsde.integrate.compile_cache import ensure_compiled
    from fastsde.kernels.lanes import lane_count
    from fastsde.run.integrate import integrate

    def timed(count: int, steps: int, snapshots: list[int]) -> float:
        short = study.replace(time={"steps": steps, "snapshots": {"at": snapshots}}, trajectories=count)
        begun = time.perf_counter()
        integrate(short, name, 0, count, problem=problem, threads=threads)
        return time.perf_counter() - begun

    def longer(count: int, long: tuple[int, list[int]], short: tuple[int, list[int]]) -> float:
        """Return how much longer one run takes than another, the two in turns: the median round."""
        found: list[float] = []
        begun = time.perf_counter()
        while len(found) < 3 or (len(found) < ROUNDS and time.perf_counter() - begun < ROUND_SECONDS):
            found.append(timed(count, *long) - timed(count, *short))
        return max(1e-9, statistics.median(found))

    total, substeps = study.time.steps, study.models[name].substeps
    count = 2 * threads * int(lane_count(study.dtype))
    steps = min(total, max(PROBE_STEPS, pilot_steps(study, name, count)))
    few = min(total, PROBE_STEPS)
    many = min(default_size(study, name), study.trajectories, PROBE_TRAJECTORIES)
    ensure_compiled(study, name, problem)
    timed(count, few, list(range(few + 1)))  # loads the code and wakes the threads
    snapshot = longer(many, (few, list(range(few + 1))), (few, [few])) / max(1, few - 1)
    seconds = longer(count, (steps, [steps]), (1, [1])) * steps / max(1, steps - 1)
    return Speed(seconds / steps / substeps / count, snapshot / many, steps / total)


def pilot_steps(study: Study, name: str, count: int) -> int:
    """Return how many learning-rate steps a pilot of so many trajectories takes."""
    parameters = schema.dimension_sizes(study, 1)["parameter"]
    return max(1, int(PILOT_WORK / (count * study.models[name].substeps * max(parameters, 16))))


def suggested_tasks(study: Study, seconds: float, threads: int) -> int:
    """Return how many tasks a job array should have: of about half an hour each, none for a short run."""
    if seconds <= ALONE_SECONDS:
        return 1
    most = max(1, study.trajectories // (16 * threads))
    return max(1, min(most, 10_000, round(seconds / TASK_SECONDS)))


def array_row(
    study: Study, speeds: dict[str, Speed], threads: int, tasks: int, part_size: int | None = None
) -> ArrayRow:
    """Return what a job array takes in which the tasks have so many threads each."""
    longest = max(
        (Shard(i, tasks) for i in {1, tasks}), key=lambda s: len(shard_range(study.trajectories, s))
    )
    compute = sum(
        _model_seconds(study, name, speed, threads, longest, part_size) for name, speed in speeds.items()
    )
    count = len(shard_range(study.trajectories, longest))
    sizes = {name: part_size or default_size(study, name) for name in speeds}
    parts = sum(math.ceil(count / size) for size in sizes.values())
    seconds = START_SECONDS + len(speeds) * MODEL_SECONDS + parts * PART_SECONDS + compute
    useful = sum(_useful_seconds(study, name, speed) for name, speed in speeds.items())
    options = Options(shard=Shard(1, tasks), part_size=part_size)
    need = disk_need(study, options)
    size = min(count, max(sizes.values()))
    return ArrayRow(
        tasks,
        seconds,
        useful / (tasks * seconds),
        need.files,
        round(need.bytes / max(1, need.files - 2)),
        size,
    )


def _model_seconds(
    study: Study, name: str, speed: Speed, threads: int, shard: Shard, part_size: int | None
) -> float:
    """Return the time of one model's trajectories in a shard, in whole blocks for every thread."""
    from fastsde.kernels.lanes import lane_count

    count, size = len(shard_range(study.trajectories, shard)), part_size or default_size(study, name)
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
