"""How many threads a process may use: what the scheduler granted, not what the machine has."""

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
"""Variables of schedulers that hold the processors of a job on this machine, the more exact ones first."""
CPU_QUOTA = Path("/sys/fs/cgroup/cpu.max")


def available_cores() -> int:
    """Return how many cores this process may run on: its affinity where the system has one."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def default_threads(environment: Mapping[str, str] | None = None, quota: Path = CPU_QUOTA) -> int:
    """Return how many threads this process may use.

    The least of the cores it may run on, the quota of its container, and what Slurm, PBS, Grid Engine or LSF
    granted: without binding a job sees all cores of a node that it shares with others.

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
    """Return the processors that a control group (version 2) may use, if it is limited."""
    try:
        quota, period = path.read_text().split()
        return [max(1, math.ceil(int(quota) / int(period)))]
    except (OSError, ValueError):
        return []
