"""Estimates for a study before it is run: time, memory, disk space, and tasks of a job array."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fastsde.benchmark.pilot import Speed, speeds
from fastsde.run.likeness import computed_rows, phase_of, work_of
from fastsde.run.options import Options
from fastsde.run.resources import disk_need, memory_need, row_bytes
from fastsde.storage.plan import Shard, default_size, shard_range
from fastsde.system.progress import Progress, Silent
from fastsde.system.threads import default_threads
from fastsde.system.timings import Times, correction, keep

if TYPE_CHECKING:
    from fastsde.study.study import Study

__all__ = ["ArrayRow", "Forecast", "Speed", "array_row", "forecast", "suggested_tasks"]

START_SECONDS = 1.3
"""Per process: Python, imports, data. Measured by ``python -m bench.arrays``, like the next two."""
MODEL_SECONDS = 0.05
"""Per model and process: loading its compiled code."""
PART_SECONDS = 0.04
"""Per part: folder, file, checksum, flush."""
BYTE_SECONDS = 1.8e-9
"""Per byte of a part, if the disk is not the bottleneck: copying, writing and checksum."""
TASK_SECONDS = 1800.0
"""Recommended time of a task: many short tasks burden the scheduler, long ones wait longer in the queue."""
ALONE_SECONDS = 1200.0
"""A run shorter than this needs no job array."""


@dataclass(frozen=True)
class ArrayRow:
    """Estimates for a job array: number of tasks, time, efficiency, files, their size, and part size.

    `seconds` is the time of the longest task; `efficiency` is the time spent on steps and snapshots divided
    by the total time of all tasks.
    """

    tasks: int
    seconds: float
    efficiency: float
    files: int
    file_bytes: int
    part_size: int


@dataclass(frozen=True)
class Forecast:
    """Estimates for a study.

    Attributes
    ----------
    threads
        Number of threads for which the times are estimated.
    seconds
        Time of the whole study in one process: the sum of the next four.
    start_seconds
        Start-up, loading of compiled code, and overhead of the parts.
    model_seconds
        Integration of each model.
    analysis_seconds
        Each section of the analysis; see `fastsde.analysis.cost` for the accuracy.
    report_seconds
        Figures and HTML report.
    summaries
        Description of each model.
    memory, disk, files
        Peak memory in bytes, disk space in bytes, number of files.
    arrays
        Job arrays with increasing numbers of tasks.
    suggested
        Recommended number of tasks; 1: no job array.
    at_most
        Whether the times of the integration are upper bounds, as if no trajectory stopped at an event: how
        soon they stop is what such a study asks.
    runs
        How many past runs on this machine correct the times; 0: none is known.
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
    at_most: bool = False
    runs: int = 0

    def to_mapping(self) -> dict[str, Any]:
        """Return the estimates as plain values, for JSON."""
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
    """Time a study's models on this machine for a few seconds, and estimate the whole study.

    Parameters
    ----------
    study
        The study.
    threads
        Threads of a process; None: as many as are granted.
    tasks
        Number of tasks of an additional job array to estimate.
    part_size
        Trajectories per part; None: the default of each model.
    progress
        Reports which model is being timed.
    known
        Speeds measured before, which are used and extended; the cases of a sweep share them.

    Notes
    -----
    A pilot run (`fastsde.benchmark.pilot`) has two blocks of trajectories per thread, or the whole length of
    a short study. Steps are more expensive before the events have occurred, so the time of long studies tends
    to be overestimated. Where past runs took another time than was forecast, the forecast is corrected
    (`fastsde.system.timings`).
    """
    from fastsde.analysis.cost import REPORT, correction_of, expected_seconds
    from fastsde.problem.data import build_problem
    from fastsde.storage.initial_states import resolve

    study = resolve(study)
    threads = threads or default_threads()
    problem = build_problem(study)
    measured = speeds(study, problem, threads, progress or Silent(), {} if known is None else known)
    corrected, runs = _corrected(study, threads, measured)
    options = Options(threads=threads, part_size=part_size)
    whole = array_row(study, corrected, threads, 1, part_size)
    suggested = suggested_tasks(study, whole.seconds, threads)
    counts = sorted({1, 10, 100, 1000, 10_000, suggested, *([tasks] if tasks else [])})
    need = disk_need(study, options)
    models = {
        name: _model_seconds(study, name, speed, threads, Shard(1, 1), part_size)
        for name, speed in corrected.items()
    }
    start = whole.seconds - sum(models.values())
    analysis = expected_seconds(study, threads)
    runs = max(runs, *(correction_of(name).runs for name in analysis))
    report = analysis.pop(REPORT)
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
        arrays=[
            array_row(study, corrected, threads, n, part_size) for n in counts if n <= study.trajectories
        ],
        suggested=suggested,
        at_most=bool(study.events.stops),
        runs=runs,
    )


def _corrected(study: Study, threads: int, measured: dict[str, Speed]) -> tuple[dict[str, Speed], int]:
    """Return speeds as past runs on this machine suggest, and from how many of them that is known.

    What the pilot runs say of each model is kept for when it has run.
    """
    corrected: dict[str, Speed] = {}
    runs = 0
    for name, speed in measured.items():
        factor, known = correction(phase_of(study, name), work_of(study, name, threads))
        corrected[name], runs = speed.times(factor), max(runs, known)
    keep(
        Times(phase_of(study, name), work_of(study, name, threads), _trajectory_seconds(study, name, speed))
        for name, speed in measured.items()
    )
    return corrected, runs


def suggested_tasks(study: Study, seconds: float, threads: int) -> int:
    """Return the recommended number of tasks, of about half an hour each; 1 for a short run."""
    if seconds <= ALONE_SECONDS:
        return 1
    most = max(1, study.trajectories // (16 * threads))
    return max(1, min(most, 10_000, round(seconds / TASK_SECONDS)))


def array_row(
    study: Study, speeds: dict[str, Speed], threads: int, tasks: int, part_size: int | None = None
) -> ArrayRow:
    """Return the estimates for a job array whose tasks have `threads` threads each."""
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
    """Return the time of one model's trajectories in a shard, rounded up to whole blocks on every thread."""
    count, size = len(shard_range(study.trajectories, shard)), part_size or default_size(study, name)
    return computed_rows(study, count, size, threads) * _trajectory_seconds(study, name, speed)


def _useful_seconds(study: Study, name: str, speed: Speed) -> float:
    return study.trajectories * _trajectory_seconds(study, name, speed)


def _trajectory_seconds(study: Study, name: str, speed: Speed) -> float:
    steps = study.time.steps * study.models[name].substeps
    snapshots = len(study.time.snapshot_steps())
    return steps * speed.step + snapshots * speed.snapshot + row_bytes(study) * BYTE_SECONDS
