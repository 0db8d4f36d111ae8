"""The number of threads that a process may use: those granted by the scheduler, not all of the machine's."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from pathlib import Path

__all__ = ["available_cores", "default_threads"]

GRANTED = (
    "SLURM_CPUS_PER_TASK",  # set only where --cpus-per-task was given
    "SLURM_CPUS_ON_NODE",
    "NCPUS",  # PBS Pro
    "PBS_NP",  # Torque
    "NSLOTS",  # Grid Engine
    "LSB_DJOB_NUMPROC",  # LSF
)
"""Variables of schedulers with the number of CPU cores of a job on this machine, most specific first."""
CPU_QUOTA = Path("/sys/fs/cgroup/cpu.max")


def available_cores() -> int:
    """Return the number of cores on which this process may run, according to its CPU affinity."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def default_threads(environment: Mapping[str, str] | None = None, quota: Path = CPU_QUOTA) -> int:
    """Return the number of threads that this process may use.

    This is the minimum of the cores on which it may run, the quota of its container, and the cores granted by
    Slurm, PBS, Grid Engine or LSF: without CPU binding, a job sees all cores of a node shared with others.

    Examples
    --------
    >>> default_threads({"SLURM_CPUS_PER_TASK": "1", "SLURM_CPUS_ON_NODE": "64"})
    1
    """
    environment = os.environ if environment is None else environment
    grants = [int(environment[name]) for name in GRANTED if environment.get(name, "").isdecimal()]
    limits = [available_cores(), *grants[:1], *_quota(quota)]
    return max(1, min(limits))


def _quota(path: Path) -> list[int]:
    """Return the number of CPU cores that a control group (version 2) may use, if it is limited."""
    try:
        quota, period = path.read_text().split()
        return [max(1, math.ceil(int(quota) / int(period)))]
    except (OSError, ValueError):
        return []
