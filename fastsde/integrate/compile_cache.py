"""Compile a model's kernels once, though many processes of a cluster start at once on one shared cache.

Numba's cache is safe to read at any time; but two processes that add to it at once can take the same file
name for different code, and a third would run the wrong one. So a process that must compile has the cache for
itself, and a marker tells the others, which then wait for nobody, that a model is there.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fastsde.system.errors import Interrupted
from fastsde.system.locks import Lock

if TYPE_CHECKING:
    from fastsde.problem.data import Problem
    from fastsde.study.study import Study

__all__ = ["ensure_compiled", "once"]

POLL_SECONDS = 0.2


def ensure_compiled(
    study: Study, name: str, problem: Problem, stop: Callable[[], bool] = lambda: False
) -> None:
    """Return when the kernels of a model are in the compile cache.

    Raises
    ------
    Interrupted
        If `stop` says so while compiling, or while another process compiles.
    """
    mark = _signature(study, name, problem)
    once(mark, lambda: _watched(lambda: _compile(study, name, problem), stop), stop)


def once(mark: str, work: Callable[[], None], stop: Callable[[], bool] = lambda: False) -> None:
    """Do what adds to the compile cache, unless the cache has the mark of it already; alone with the cache.

    Raises
    ------
    Interrupted
        If `stop` says so while another process compiles.
    """
    from fastsde.kernels.options import CACHE_FOLDER

    marker = Path(CACHE_FOLDER) / f"ready-{mark}"
    if marker.exists():
        return
    lock = _wait_for(Path(CACHE_FOLDER) / "lock", marker, stop)
    try:
        if not marker.exists():
            work()
            marker.touch()
    except PermissionError:  # another's cache, in which nothing can be kept
        pass
    finally:
        if lock is not None:
            lock.release()


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


def _wait_for(path: Path, marker: Path, stop: Callable[[], bool]) -> Lock | None:
    """Return the lock; None if the marker came meanwhile, or where there is nothing to lock."""
    wake = threading.Event()
    while not marker.exists():
        try:
            lock = Lock.take(path)
        except OSError:
            return None
        if lock is not None:
            return lock
        if stop():
            raise Interrupted("stopped while another process compiles")
        wake.wait(POLL_SECONDS)
    return None


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
