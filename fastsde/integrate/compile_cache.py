"""Compile a model's kernels once, though many processes start at once on one shared cache."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from fastsde.system.cache_lock import POLL_SECONDS, is_there, once
from fastsde.system.errors import Interrupted
from fastsde.system.progress import Progress, Silent, duration

if TYPE_CHECKING:
    from fastsde.problem.data import Problem
    from fastsde.study.study import Study

__all__ = ["ensure_compiled", "expected_seconds"]

FIRST_SECONDS = 15.0
"""Of the first model of a study on a core of 2023: most of the time goes into what all its models share."""

_TAKEN: list[float] = []
"""Seconds of the models that this process has compiled."""


def expected_seconds(taken: list[float]) -> float:
    """Return how long compiling the next model may take, after some that took so long.

    Examples
    --------
    >>> expected_seconds([12.0])
    6.0
    """
    if not taken:
        return FIRST_SECONDS
    return sum(taken[1:]) / (len(taken) - 1) if len(taken) > 1 else taken[0] / 2


def ensure_compiled(
    study: Study,
    name: str,
    problem: Problem,
    stop: Callable[[], bool] = lambda: False,
    progress: Progress | None = None,
) -> None:
    """Return when the kernels of a model are in the compile cache; say so if they have to be compiled.

    Raises
    ------
    Interrupted
        If `stop` says so while compiling, or while another process compiles.
    """
    if study.models[name].replayed:  # the file has no step 1 to try
        return
    mark = _signature(study, name, problem)
    if is_there(mark):
        return
    begun = time.monotonic()
    with (progress or Silent()).aside("compiling", f"{name}, about {duration(expected_seconds(_TAKEN))}"):
        once(mark, lambda: _watched(lambda: _compile(study, name, problem), stop), stop)
    _TAKEN.append(time.monotonic() - begun)


def _signature(study: Study, name: str, problem: Problem) -> str:
    """Return a hash of the types that the kernels are compiled for."""
    import numba

    from fastsde.integrate.lowering import lower

    low = lower(study, name, problem)
    parts = (low.network, low.data, low.dynamics, low.events)
    kinds = [str(numba.typeof(part)) for part in parts]  # type: ignore[no-untyped-call]
    text = f"{study.dtype} {study.record.observables} {study.starts_from_states} {kinds}"
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _compile(study: Study, name: str, problem: Problem) -> None:
    """Take one step of one trajectory: whatever a run calls is compiled, or read from the cache."""
    from fastsde.integrate.integration import integrate
    from fastsde.integrate.lowering import parameter_count

    tiny = study.replace(trajectories=1, time={"steps": 1, "snapshots": {"at": [1]}})
    start = np.zeros((1, parameter_count(study))) if study.starts_from_states else None
    integrate(tiny, name, 0, 1, problem=problem, threads=1, start=start)


def _watched(work: Callable[[], None], stop: Callable[[], bool]) -> None:
    """Do a piece of work that cannot be interrupted in a thread, and leave it behind when asked to stop."""
    failure: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:
            failure.append(error)

    thread = threading.Thread(target=run, name="compile", daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(POLL_SECONDS)
        if stop() and thread.is_alive():
            raise Interrupted("stopped while compiling")
    if failure:
        raise failure[0]
