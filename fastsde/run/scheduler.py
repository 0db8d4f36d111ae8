"""The task of a job array that this process runs, from the environment variables of the scheduler."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from fastsde.storage.plan import Shard
from fastsde.system.errors import SchedulerError

__all__ = ["Task", "find_task", "shard_of"]


@dataclass(frozen=True)
class _Variables:
    """The variables of a scheduler with a task's index, and the first, last and step of the whole array."""

    scheduler: str
    index: str
    first: str = ""
    last: str = ""
    step: str = ""
    none: str = ""
    """Value of the index in a job that is not an array."""


SCHEDULERS = (
    _Variables(
        "Slurm",
        "SLURM_ARRAY_TASK_ID",
        "SLURM_ARRAY_TASK_MIN",
        "SLURM_ARRAY_TASK_MAX",
        "SLURM_ARRAY_TASK_STEP",
    ),
    _Variables("PBS", "PBS_ARRAY_INDEX"),
    _Variables("Torque", "PBS_ARRAYID"),
    _Variables(
        "Grid Engine", "SGE_TASK_ID", "SGE_TASK_FIRST", "SGE_TASK_LAST", "SGE_TASK_STEPSIZE", "undefined"
    ),
    _Variables("LSF", "LSB_JOBINDEX", "", "LSB_JOBINDEX_END", "LSB_JOBINDEX_STEP", "0"),
)


@dataclass(frozen=True)
class Task:
    """A task of an array: its index, and the array's first, last and step index; None if not known.

    The array is the one that was *submitted*: for ``--array=3,7``, two tasks that are run again, the first
    index is 3 and the last one 7.
    """

    scheduler: str
    index: int
    first: int | None = None
    last: int | None = None
    step: int = 1


def find_task(environment: Mapping[str, str] | None = None) -> Task | None:
    """Return the task that this process runs; None if it is not part of a job array.

    Examples
    --------
    >>> find_task({"SGE_TASK_ID": "5", "SGE_TASK_FIRST": "1", "SGE_TASK_LAST": "9", "SGE_TASK_STEPSIZE": "2"})
    Task(scheduler='Grid Engine', index=5, first=1, last=9, step=2)
    >>> find_task({"SGE_TASK_ID": "undefined"}) is None, find_task({"LSB_JOBINDEX": "0"}) is None
    (True, True)
    """
    environment = os.environ if environment is None else environment
    for names in SCHEDULERS:
        index = environment.get(names.index, "")
        if not index or index == names.none:
            continue
        if not index.isdecimal():
            raise SchedulerError(f"{names.index} is {index!r}, which is not a number\nFix: use --shard I/N")
        return Task(
            names.scheduler,
            int(index),
            _number(environment, names.first),
            _number(environment, names.last),
            max(1, _number(environment, names.step) or 1),
        )
    return None


def shard_of(
    text: str, *, index_from: int | None = None, environment: Mapping[str, str] | None = None
) -> Shard:
    """Return the shard that an option specifies.

    Parameters
    ----------
    text
        "I/N": shard I, from 1, of N. Or "N": the number of shards; I is then taken from the variables of
        Slurm, PBS, Torque, Grid Engine or LSF. N itself cannot be taken from them, because a single task that
        is submitted again sees an array of one.
    index_from
        Index of the first task of the whole array. By default the first index that the scheduler reports, if
        its array has N tasks, or 1 if the scheduler does not report it.
    environment
        Environment variables; None: those of the process.

    Raises
    ------
    SchedulerError
        If there is no array, or if the shard of the task cannot be determined.

    Examples
    --------
    >>> str(shard_of("3/10"))
    '3/10'
    >>> array = {"SLURM_ARRAY_TASK_ID": "4", "SLURM_ARRAY_TASK_MIN": "0", "SLURM_ARRAY_TASK_MAX": "9"}
    >>> str(shard_of("10", environment=array))
    '5/10'
    >>> again = {"SLURM_ARRAY_TASK_ID": "4", "SLURM_ARRAY_TASK_MIN": "4", "SLURM_ARRAY_TASK_MAX": "4"}
    >>> str(shard_of("10", index_from=0, environment=again))
    '5/10'
    """
    number, slash, total = text.partition("/")
    if not (number.isdecimal() and (total.isdecimal() if slash else not total)):
        raise SchedulerError(f"--shard {text}: expected I/N, such as 3/100, or in a job array N, such as 100")
    if slash:
        return _checked(int(number), int(total), f"--shard {text}")
    task = find_task(environment)
    if task is None:
        raise SchedulerError(
            f"--shard {text}: this process is not a task of a job array of Slurm, PBS, Torque, Grid Engine "
            "or LSF\n"
            f"Fix: give the number of the shard, --shard I/{text}"
        )
    of = int(number)
    begin = _begin(task, of) if index_from is None else index_from
    shard, rest = divmod(task.index - begin, task.step)
    what = f"--shard {text}: index {task.index} of the {task.scheduler} array"
    if rest or not 0 <= shard < of:
        raise SchedulerError(
            f"{what} (first index {begin}, step {task.step}) does not correspond to one of {of} shards\n"
            f"Fix: give the first index of the whole array, such as --index-from 0, or the shard, "
            f"--shard I/{text}"
        )
    return Shard(shard + 1, of)


def _begin(task: Task, of: int) -> int:
    """Return the first index of the whole array."""
    if task.first is None:
        return 1
    if task.last is not None and (task.last - task.first) // task.step + 1 == of:
        return task.first
    raise SchedulerError(
        f"the {task.scheduler} array with indices {task.first} to {task.last} in steps of {task.step} does "
        f"not have {of} tasks\n"
        f"Fix: if it is a part of a larger array, give the first index of that, such as --index-from 1, or "
        f"give the shard, --shard I/{of}"
    )


def _checked(number: int, of: int, what: str) -> Shard:
    if not 1 <= number <= of:
        raise SchedulerError(
            f"{what}: there is no shard {number} of {of}; shards are numbered from 1 to {of}"
        )
    return Shard(number, of)


def _number(environment: Mapping[str, str], name: str) -> int | None:
    text = environment.get(name, "") if name else ""
    return int(text) if text.isdecimal() else None
