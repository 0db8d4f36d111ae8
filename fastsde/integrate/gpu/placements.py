"""Where the memory of a trajectory is on a GPU, for the models of a study."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from fastsde.integrate.devices import obstacle, simulated, unusable

if TYPE_CHECKING:
    from fastsde.integrate.lowering import Lowered
    from fastsde.study.study import Study

__all__ = ["classes", "measuring_class", "memory_class", "placement", "shared_limit"]

LOCAL_BYTES = 8 << 10
"""Up to so much memory a thread that measures has of its own; above, it has a column of global memory."""


def memory_class(lowered: Lowered, dtype: str, limit: int | None = None) -> str:
    """Return where the memory of a trajectory of a model is while it advances.

    Parameters
    ----------
    lowered, dtype
        A model and its precision.
    limit : int, optional
        Bytes of shared memory that a block may have; those of the device in use by default.

    Returns
    -------
    {"local", "lane", "shared", "block", "team", "global"}
        Of `fastsde.kernels.cuda.Program`.
    """
    return str(placement(lowered, dtype, limit).where)


def measuring_class(lowered: Lowered, dtype: str) -> str:
    """Return where the memory of a trajectory is while it is measured: it has one thread."""
    return "local" if lowered.network.size * np.dtype(dtype).itemsize <= LOCAL_BYTES else "global"


def placement(lowered: Lowered, dtype: str, limit: int | None = None) -> Any:
    """Return the same with all that belongs to it, a `fastsde.kernels.gpu.placement.Placement`."""
    from fastsde.kernels.gpu.placement import place

    limit = shared_limit() if limit is None else limit
    return place(lowered.network, lowered.data, dtype, lowered.dynamics, max(lowered.choice, 1), limit)


@cache
def shared_limit() -> int:
    """Return the bytes of shared memory that a block may have on the device; without one, on an H100."""
    from fastsde.kernels.gpu.placement import HOPPER, limit_of

    if simulated() or unusable() is not None:
        return int(limit_of(HOPPER))
    from fastsde.kernels.gpu import driver

    major, minor = driver.describe()["compute_capability"].split(".")
    return int(limit_of((int(major), int(minor))))


WORDS = {
    "local": "one thread per trajectory",
    "lane": "one thread per trajectory, its weights in shared memory",
    "shared": "{lanes} threads of a warp per trajectory, in shared memory",
    "block": "a block of {lanes} threads per trajectory, in shared memory",
    "team": "a block of 128 threads a trajectory, in global memory",
    "global": "one thread per trajectory, in global memory",
}


def classes(study: Study) -> dict[str, str]:
    """Return for each model of a study how a GPU would hold a trajectory, in words.

    Examples
    --------
    >>> from fastsde.study.study import Study
    >>> study = Study.from_mapping({
    ...     "trajectories": 1,
    ...     "network": {"widths": [4, 10, 10, 4], "init": {"std": 0.1}},
    ...     "data": {"samples": 16, "teacher": {"singular_values": [2.0, 1.0]}},
    ...     "time": {"learning_rate": 0.1, "steps": 100},
    ...     "models": {"sgd": {"kind": "sgd"}},
    ... })
    >>> classes(study)
    {'sgd': 'one thread per trajectory, its weights in shared memory; 2.28 KiB each'}
    """
    from fastsde.integrate.lowering import lower
    from fastsde.problem.data import build_problem
    from fastsde.system.progress import size_text

    why = obstacle(study)
    if why is not None:
        return dict.fromkeys(study.models, f"not at all: {why.splitlines()[0]}")
    problem = build_problem(study)
    itemsize = np.dtype(study.dtype).itemsize
    found = {}
    for name in study.models:
        lowered = lower(study, name, problem)
        place = placement(lowered, study.dtype)
        plan = lowered.network if place.plan is None else place.plan.network
        words = WORDS[place.where].format(lanes=place.lanes)
        found[name] = f"{words}; {size_text(plan.size * itemsize)} each"
    return found
