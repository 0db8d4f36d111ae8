"""Compile a model's kernels once, though many processes start at once on one shared cache."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from fastsde.system.cache_lock import POLL_SECONDS, is_there, once, unless_taken
from fastsde.system.errors import Interrupted
from fastsde.system.progress import Progress, Silent, duration
from fastsde.system.timings import Times, correction, keep, long_enough

if TYPE_CHECKING:
    from fastsde.problem.data import Problem
    from fastsde.study.study import Study

__all__ = ["compile_steps", "ensure_compiled", "expected_seconds"]

FIRST_SECONDS = 15.0
"""Of the first model of a study on a core of 2023: most of the time goes into what all its models share."""

_TAKEN: list[float] = []
"""Seconds of the models that this process has compiled."""


def expected_seconds(taken: list[float]) -> float:
    """Return how long compiling the next model may take, after some that took so long.

    The first is expected to take as long as those of past runs on this machine.

    Examples
    --------
    >>> expected_seconds([12.0])
    6.0
    """
    if not taken:
        return FIRST_SECONDS * correction("compile").factor
    return sum(taken[1:]) / (len(taken) - 1) if len(taken) > 1 else taken[0] / 2


def ensure_compiled(
    study: Study,
    name: str,
    problem: Problem,
    stop: Callable[[], bool] = lambda: False,
    progress: Progress | None = None,
    begin: Callable[[], None] = lambda: None,
) -> None:
    """Return when the kernels of a model are in the compile cache; say so if they have to be compiled.

    Then `begin` is called first: it may let another process compile too.

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
    begin()
    begun = time.monotonic()
    with (progress or Silent()).aside("compiling", f"{name}, about {duration(expected_seconds(_TAKEN))}"):
        steps = f"steps-{mark}"
        once(mark, lambda: _watched(lambda: _compile(study, name, problem, stop, steps), stop), stop)
    seconds = time.monotonic() - begun
    if not _TAKEN and long_enough(seconds):
        keep([Times("compile", mark, forecast=FIRST_SECONDS, measured=seconds)])
    _TAKEN.append(seconds)


def compile_steps(study: Study, names: Sequence[str], problem: Problem) -> None:
    """Compile the steps of models, except those that another process is compiling or has compiled."""
    for name in names:
        if not study.models[name].replayed:
            mark = _signature(study, name, problem)
            if not is_there(mark):
                unless_taken(f"steps-{mark}", partial(_compile_steps, study, name, problem))


def _signature(study: Study, name: str, problem: Problem) -> str:
    """Return a hash of the types that the kernels are compiled for."""
    import numba

    from fastsde.integrate.lowering import lower

    low = lower(study, name, problem)
    parts = (low.network, low.data, low.dynamics, low.events)
    kinds = [str(numba.typeof(part)) for part in parts]  # type: ignore[no-untyped-call]
    text = f"{study.dtype} {study.record.observables} {study.starts_from_states} {kinds}"
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _compile(
    study: Study, name: str, problem: Problem, stop: Callable[[], bool] = lambda: False, steps: str = ""
) -> None:
    """Take one step of one trajectory: whatever a run calls is compiled, or read from the cache.

    Measurements come first. Under the mark `steps` another process may compile the step meanwhile.
    """
    from fastsde.integrate.integration import integrate

    def on_snapshot(index: int, values: Any) -> None:
        if steps and index == 0:
            once(steps, lambda: _compile_steps(study, name, problem), stop)

    tiny, start = _tiny(study)
    integrate(tiny, name, 0, 1, problem=problem, threads=1, start=start, on_snapshot=on_snapshot)


def _compile_steps(study: Study, name: str, problem: Problem) -> None:
    """Compile the step of a model alone."""
    from fastsde.integrate.integration import compile_step

    compile_step(_tiny(study)[0], name, problem)


def _tiny(study: Study) -> tuple[Study, Any]:
    """Return a study of one step of one trajectory, and where that starts if the study does not say it."""
    from fastsde.integrate.lowering import parameter_count

    tiny = study.replace(trajectories=1, time={"steps": 1, "snapshots": {"at": [1]}})
    return tiny, np.zeros((1, parameter_count(study))) if study.starts_from_states else None


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
