"""Job arrays for Slurm: short scripts that can be edited, and that resume unfinished work."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from fastsde.problem.user import check_code
from fastsde.storage.initial_states import keep_states, resolve
from fastsde.storage.layout import ARRAY_FILE, LOG_FOLDER, MERGE_FILE, STUDY_FILE
from fastsde.storage.run_directory import claim
from fastsde.system.atomic import replacing
from fastsde.system.errors import SchedulerError

if TYPE_CHECKING:
    from fastsde.study.study import Study

__all__ = ["Job", "array_script", "merge_script", "submit"]

WARNING_SECONDS = 120
"""Time before its limit at which a task is asked to save and stop; see `warning_seconds`."""
_LIMIT = re.compile(r"(?:(?P<days>\d+)-)?(?P<numbers>\d+(?::\d+){0,2})")


@dataclass(frozen=True)
class Job:
    """The resources that a job array requests.

    Parameters
    ----------
    tasks
        Number of tasks of the array, which are shards of the study.
    time
        Time limit of a task, in Slurm's format; empty: the partition's.
    cpus_per_task
        CPU cores of a task.
    array_limit
        Tasks that may run at the same time; None: no limit.
    partition
        Partition of the cluster; empty: the default one.
    memory
        Memory of a task, in Slurm's format; empty: the partition's.
    extra
        Additional lines, such as ``#SBATCH --account=physics``.
    run_options
        Additional options of ``fastsde run``.
    gpu
        Whether each task of the array requests a GPU and computes on it.
    module_folder
        Folder with the module that the study names; empty if it names none.
    """

    tasks: int
    time: str = ""
    cpus_per_task: int = 1
    array_limit: int | None = None
    partition: str = ""
    memory: str = ""
    extra: tuple[str, ...] = ()
    run_options: tuple[str, ...] = field(default=())
    gpu: bool = False
    module_folder: str = ""

    def __post_init__(self) -> None:
        for line in self.extra:
            if not line.startswith("#SBATCH ") or "\n" in line:
                raise SchedulerError(f"--extra {line!r}: expected one line that begins with '#SBATCH '")
        for name in ("time", "partition", "memory"):
            value = getattr(self, name)
            if any(not (letter.isalnum() or letter in ":-_.,") for letter in value):
                option = "mem" if name == "memory" else name
                raise SchedulerError(f"--{option} {value!r}: expected only letters, digits and : - _ . ,")
        warning_seconds(self.time)


def warning_seconds(limit: str) -> int:
    """Return how long before its time limit a task is warned: two minutes, or a third of a shorter limit.

    Slurm may send the warning up to a minute early. A task of two minutes that is warned two minutes before
    its end would therefore make no progress.

    Parameters
    ----------
    limit
        In one of Slurm's formats: minutes, minutes:seconds, hours:minutes:seconds, days-hours,
        days-hours:minutes or days-hours:minutes:seconds; empty: the limit of the partition.

    Raises
    ------
    SchedulerError
        If it has none of these formats.

    Examples
    --------
    >>> [warning_seconds(limit) for limit in ("", "4:00:00", "3", "1-0", "1:30")]
    [120, 120, 60, 120, 30]
    """
    if not limit or limit.lower() in ("infinite", "unlimited"):
        return WARNING_SECONDS
    match = _LIMIT.fullmatch(limit)
    if not match:
        raise SchedulerError(
            f"--time {limit!r}: expected minutes, such as 90, or a time such as 1:30:00 or 2-12:00:00"
        )
    numbers = [int(number) for number in match["numbers"].split(":")]
    units = {1: (60,), 2: (60, 1), 3: (3600, 60, 1)}[len(numbers)]
    if match["days"]:
        units = (3600, 60, 1)
    seconds = 86400 * int(match["days"] or 0) + sum(n * unit for n, unit in zip(numbers, units, strict=False))
    return min(WARNING_SECONDS, max(1, seconds // 3))


def array_script(directory: Path, name: str, job: Job) -> str:
    """Return the script of the array: each task computes its shard, and requeues itself until it is finished.

    Parameters
    ----------
    directory
        Directory of the run; it contains the ``study.toml`` that is run.
    name
        Name of the job.
    job
        The resources it requests.
    """
    _check_path(directory)
    limit = f"%{job.array_limit}" if job.array_limit else ""
    lines = [
        f"--job-name={_job_name(name)}",
        f"--array=1-{job.tasks}{limit}",
        "--ntasks=1",
        f"--cpus-per-task={job.cpus_per_task}",
        *([f"--time={job.time}"] if job.time else []),
        *([f"--mem={job.memory}"] if job.memory else []),
        *([f"--partition={job.partition}"] if job.partition else []),
        *(["--gpus=1"] if job.gpu else []),
        f"--signal=B:USR1@{warning_seconds(job.time)}",
        "--requeue",
        "--open-mode=append",
        f'--output="{directory}/{LOG_FOLDER}/%a.log"',
    ]
    command = [*_program(), "run", str(directory / STUDY_FILE), "-o", str(directory)]
    device = ("--device", "cuda") if job.gpu else ()
    options = " ".join(map(shlex.quote, (*device, *job.run_options)))
    return "\n".join(
        [
            "#!/bin/bash",
            *(f"#SBATCH {line}" for line in lines),
            *job.extra,
            "",
            "# Each task computes one shard of the study. Before its time limit, Slurm sends a signal to",
            "# this shell, which forwards it; fastsde saves a checkpoint, exits with code 75, and the task",
            "# is requeued.",
            "# To rerun a single task that failed: sbatch --array=7 THIS_FILE",
            "",
            "export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1",
            *_module_path(job),
            "",
            f"{_quoted(command)} \\",
            f'    --shard "$SLURM_ARRAY_TASK_ID/{job.tasks}" --threads "$SLURM_CPUS_PER_TASK" \\',
            f"    --progress log{' ' + options if options else ''} &",
            "program=$!",
            "trap 'kill -USR1 \"$program\" 2>/dev/null' USR1 TERM",
            "",
            'wait "$program"; code=$?',
            "# a signal ends the wait above, but not the program",
            'while kill -0 "$program" 2>/dev/null; do wait "$program"; code=$?; done',
            "",
            'if [ "$code" -eq 75 ]; then',
            "    # Slurm terminates this shell while it sleeps",
            '    scontrol requeue "${SLURM_ARRAY_JOB_ID}_${SLURM_ARRAY_TASK_ID}" && sleep 60',
            "fi",
            'exit "$code"',
            "",
        ]
    )


def _module_path(job: Job) -> list[str]:
    """Return the line that lets the tasks, which run a copy of the study, find the study's module."""
    if not job.module_folder:
        return []
    return [f'export PYTHONPATH={shlex.quote(job.module_folder)}"${{PYTHONPATH:+:$PYTHONPATH}}"']


def merge_script(directory: Path, name: str, job: Job) -> str:
    """Return the script that runs after the array: merge, analyse and report, or list what is missing."""
    lines = [
        f"--job-name={_job_name(name)}-merge",
        "--ntasks=1",
        f"--cpus-per-task={job.cpus_per_task}",
        *([f"--time={job.time}"] if job.time else []),
        *([f"--mem={job.memory}"] if job.memory else []),
        *([f"--partition={job.partition}"] if job.partition else []),
        "--open-mode=append",
        f'--output="{directory}/{LOG_FOLDER}/merge.log"',
    ]
    program = _quoted(_program())
    where = shlex.quote(str(directory))
    return "\n".join(
        [
            "#!/bin/bash",
            *(f"#SBATCH {line}" for line in lines),
            *job.extra,
            "",
            "# Checks and joins all shards, or lists what is missing; then writes analysis and report.",
            "set -e",
            f"{program} merge {where}",
            f"{program} analyze {where} --progress log",
            f"{program} report {where}",
            "",
        ]
    )


def submit(study: Study, directory: Path, name: str, job: Job) -> dict[str, str]:
    """Write both scripts to the run's directory and submit them to Slurm; return the job IDs.

    Raises
    ------
    SchedulerError
        If Slurm is not available, or rejects a job.
    StoreError
        If the directory belongs to another study.
    """
    study = resolve(study, directory)
    check_code(study)
    claim(study, directory)
    keep_states(study, directory)
    (directory / LOG_FOLDER).mkdir(exist_ok=True)
    scripts = {ARRAY_FILE: array_script(directory, name, job), MERGE_FILE: merge_script(directory, name, job)}
    for file, text in scripts.items():
        with replacing(directory / file) as temporary:
            temporary.write_text(text, encoding="utf-8", errors="surrogateescape")
            temporary.chmod(0o755)
    array = _sbatch([str(directory / ARRAY_FILE)])
    merge = _sbatch([f"--dependency=afterany:{array}", str(directory / MERGE_FILE)])
    return {"array": array, "merge": merge}


def _sbatch(arguments: list[str]) -> str:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("SLURM_ARRAY")}
    try:
        done = subprocess.run(
            ["sbatch", "--parsable", *arguments], capture_output=True, text=True, check=False, env=environment
        )
    except FileNotFoundError:
        raise SchedulerError(
            "the command sbatch was not found\n"
            "Fix: submit from a machine with Slurm, or print the scripts with --dry-run"
        ) from None
    if done.returncode:
        raise SchedulerError(f"sbatch rejected the job: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout.strip().partition(";")[0]


def _check_path(directory: Path) -> None:
    if any(letter in str(directory) for letter in '%"\\\n'):
        raise SchedulerError(
            f'{directory}: Slurm does not support directories with %, " or \\ in their names\n'
            "Fix: choose another directory (-o)"
        )


def _job_name(name: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in name)


def _program() -> list[str]:
    """Return the command that runs this installation, independently of the job's environment."""
    return [sys.executable, "-m", "fastsde"]


def _quoted(words: list[str]) -> str:
    return " ".join(map(shlex.quote, words))
