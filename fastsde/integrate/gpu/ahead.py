"""Programs of a model compiled ahead, by a process that need not have a device, for one that has."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from fastsde.integrate.gpu.host_jobs import host_job, task_options
from fastsde.integrate.gpu.placements import measuring_class, memory_class
from fastsde.integrate.gpu.programs import model_program
from fastsde.integrate.lowering import lower
from fastsde.integrate.observer import Observer
from fastsde.problem.data import build_problem

if TYPE_CHECKING:
    from fastsde.integrate.lowering import Lowered
    from fastsde.problem.data import Problem
    from fastsde.study.study import Study

__all__ = ["are_stored", "launched", "store_programs"]


def store_programs(
    study: Study,
    name: str,
    capability: tuple[int, int],
    problem: Problem | None = None,
    share: tuple[int, int] = (0, 1),
) -> int:
    """Compile all that a run launches for a model, and keep it in the program cache on disk.

    Needs the toolkit (the extra ``cuda12`` or ``cuda13``), but neither driver nor device, and makes no
    context. In a process that itself computes on a device it must not be called: numba-cuda is told of
    another device while it compiles.

    Parameters
    ----------
    study : Study
    name : str
        Of the model.
    capability : tuple of int
        Compute capability of the device that will run it, such as ``(9, 0)``.
    problem : Problem, optional
        The study's problem, if it is at hand.
    share : tuple of int, optional
        ``(i, n)``: only every n-th kernel from the i-th on, since n processes share them.

    Returns
    -------
    int
        How many kernels were compiled; 0 if all were there.
    """
    from fastsde.kernels.gpu import offline

    kernels = islice(_kernels(study, name, capability, problem), share[0], None, share[1])
    return sum(offline.store_kernel(function, values, capability) for function, values in kernels)


def are_stored(study: Study, name: str, capability: tuple[int, int], problem: Problem | None = None) -> bool:
    """Return whether all that a run launches for a model is in the program cache on disk.

    Parameters are those of `store_programs`.
    """
    from fastsde.kernels.gpu import offline

    kernels = _kernels(study, name, capability, problem)
    return all(offline.has_kernel(function, values, capability) for function, values in kernels)


def _kernels(
    study: Study, name: str, capability: tuple[int, int], problem: Problem | None
) -> Iterator[tuple[Any, tuple[Any, ...]]]:
    """Yield what a run of a model launches, as Python functions, with values of their arguments."""
    from fastsde.kernels.gpu.offline import arguments
    from fastsde.kernels.gpu.placement import limit_of

    problem = problem or build_problem(study)
    lowered = lower(study, name, problem)
    limit = limit_of(capability)
    for task, where, options in launched(study, name, problem, lowered, limit):
        program = model_program(study, lowered, where, limit=limit, **options)
        job = host_job(study, lowered, task, options.get("dynamics"))
        yield program.function(task), arguments(program, job)
    yield from _transposes(study, lowered)


def launched(
    study: Study, name: str, problem: Problem, lowered: Lowered, limit: int | None = None
) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield task, class of memory and what else its program takes, of all that a run launches for a model."""
    nobody = np.full(1, -1)
    observer = Observer(study, study.models[name], problem, lowered, nobody, nobody)
    measuring = measuring_class(lowered, study.dtype)
    yield "start", measuring, {}
    yield "measure_trace" if observer.trace else "measure", measuring, {}
    yield "advance", memory_class(lowered, study.dtype, limit), {}
    yield "look", measuring, {}
    if "update_noise" in observer.needs:
        yield "noise", measuring, {"dynamics": lowered.dynamics}
        yield "noise", measuring, {"dynamics": lowered.quiet}
    if "curvature" in observer.needs:
        yield "curve", "global", task_options(study, lowered, "curve")


def _transposes(study: Study, lowered: Lowered) -> Iterator[tuple[Any, tuple[Any, ...]]]:
    """Yield kernels that turn arrays of the device into rows of the host and back, with arguments."""
    from fastsde.kernels.gpu.arrays import mover
    from fastsde.kernels.gpu.transfers import rows_from, rows_into

    width = lowered.network.parameters + lowered.carried
    for columns, dtype in ((width, np.dtype(study.dtype)), (lowered.passages, np.dtype(np.int64))):
        there, here = np.zeros((4, columns), dtype, order="F"), np.zeros((4, columns), dtype)
        if there.size:
            yield mover(rows_from, dtype), (there, 0, 0, here)
            yield mover(rows_into, dtype), (here, there, 0)
