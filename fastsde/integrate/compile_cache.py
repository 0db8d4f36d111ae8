"""Compile a model's kernels once, though many processes start at once on one shared cache."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from fastsde.system.cache_lock import POLL_SECONDS, once
from fastsde.system.errors import Interrupted

if TYPE_CHECKING:
    from fastsde.problem.data import Problem
    from fastsde.study.study import Study

__all__ = ["ensure_compiled"]


def ensure_compiled(
    study: Study, name: str, problem: Problem, stop: Callable[[], bool] = lambda: False
) -> None:
    """Return when the kernels of a model are in the compile cache.

    Raises
    ------
    Interrupted
        If `stop` says so while compiling, or while another process compiles.
    """
    if study.models[name].replayed:  # the file has no step 1 to try
        return
    mark = _signature(study, name, problem)
    once(mark, lambda: _watched(lambda: _compile(study, name, problem), stop), stop)


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
