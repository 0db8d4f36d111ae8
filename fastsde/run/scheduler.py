"""Which task of a job array this process is, from the variables of its scheduler."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from fastsde.storage.plan import Shard
from fastsde.system.errors import SchedulerError

__all__ = ["Task", "find_task", "shard_of"]


@dataclass(frozen=True)
class _Variables:
    """The names a scheduler gives to a task's index, and to the first, last and step of the whole array."""

    scheduler: str
    index: str
    first: str = ""
    last: str = ""
    step: str = ""
    none: str = ""
    """What the index is in a job that is no array."""


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
    """A task of an array: its index, and those of the array as far as the scheduler says; None where not.

    The array is the one that was *submitted*: of ``--array=3,7``, tasks run again, it says first 3, last 7.
    """

    scheduler: str
    index: int
    first: int | None = None
    last: int | None = None
    step: int = 1


def find_task(environment: Mapping[str, str] | None = None) -> Task | None:
    """Return the task that this process is; None outside of an array.

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
            raise SchedulerError(f"{names.index} is {index!r}, not a number: give --shard I/N")
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
    """Return the shard that a text asks for.

    Parameters
    ----------
    text
        "I/N": shard I, from 1, of N. Or "N": the number of shards; which of them is found in the variables
        of Slurm, PBS, Torque, Grid Engine or LSF. The number never is: a task that is submitted again, alone,
        sees an array of one.
    index_from
        Index of the first task of the whole array. By default what the scheduler says, if its array has N
        tasks; or 1, if the scheduler does not say where arrays begin.
    environment
        Variables; None: those of the process.

    Raises
    ------
    SchedulerError
        If there is no array, or it is not clear which of the N shards the task is.

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
        raise SchedulerError(f"--shard {text}: allowed are I/N, as 3/100, or N, as 100, in a job array")
    if slash:
        return _checked(int(number), int(total), f"--shard {text}")
    task = find_task(environment)
    if task is None:
        raise SchedulerError(
            f"--shard {text}: this is no task of a job array (Slurm, PBS, Torque, Grid Engine, LSF); "
            f"give the shard as well, --shard I/{text}"
        )
    of = int(number)
    begin = _begin(task, of) if index_from is None else index_from
    shard, rest = divmod(task.index - begin, task.step)
    what = f"--shard {text}: index {task.index} of {task.scheduler}, from {begin} in steps of {task.step},"
    if rest or not 0 <= shard < of:
        raise SchedulerError(
            f"{what} is none of {of} shards; say where the whole array begins, as --index-from 0, or give "
            f"the shard itself, --shard I/{text}"
        )
    return Shard(shard + 1, of)


def _begin(task: Task, of: int) -> int:
    """Return where the whole array begins."""
    if task.first is None:
        return 1
    if task.last is not None and (task.last - task.first) // task.step + 1 == of:
        return task.first
    raise SchedulerError(
        f"the array that {task.scheduler} tells of, {task.first} to {task.last} in steps of {task.step}, has "
        f"not {of} tasks: if it is a part of the whole, say where that begins, as --index-from 1, or give "
        f"the shard itself, --shard I/{of}"
    )


def _checked(number: int, of: int, what: str) -> Shard:
    if not 1 <= number <= of:
        raise SchedulerError(f"{what} asks for shard {number} of {of}; shards go from 1 to N")
    return Shard(number, of)


def _number(environment: Mapping[str, str], name: str) -> int | None:
    text = environment.get(name, "") if name else ""
    return int(text) if text.isdecimal() else None
