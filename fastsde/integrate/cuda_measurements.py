"""What a GPU measures of trajectories at a snapshot, and how the host takes it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastsde.integrate import devices
from fastsde.integrate.curvature import lanczos_setting
from fastsde.integrate.measurements import Measured, stepped_rows

if TYPE_CHECKING:
    from fastsde.integrate.lowering import Lowered
    from fastsde.integrate.observer import Observer
    from fastsde.study.study import Study

__all__ = ["host_job", "measured_rows", "measurements", "task_options"]

Array = NDArray[Any]
Launch = Callable[[Any, str, Any], None]


def measurements(
    study: Study,
    lowered: Lowered,
    observer: Observer,
    batch: Any,
    given: tuple[Any, Any, Any],
    place: tuple[int, int],
    launch: Launch,
    copy: Callable[[Any], Any],
) -> dict[str, Any]:
    """Start measuring a batch, and return arrays on the device that later steps do not change.

    Parameters
    ----------
    study, lowered, observer
        The study, the model for the kernels, and what is recorded.
    batch : fastsde.integrate.cuda_ensemble.Batch
    given : tuple
        Data, dynamics and events on the device.
    place : tuple of int
        Number of the batch's first trajectory, and the step.
    launch : callable
        Takes a program, a task and its job.
    copy : callable
        Returns a copy of an array on the device.
    """
    from fastsde.kernels import cuda
    from fastsde.kernels.gpu.arguments import put_on
    from fastsde.kernels.gpu.jobs import Curve, Measure, Noise
    from fastsde.kernels.observe import measurement_columns

    low, count, (data, dynamics, events) = lowered, batch.count, given
    size = int(low.network.widths[0] * low.network.widths[-1])
    columns = cuda.array((count, measurement_columns(low.network.widths).count), study.dtype)
    where = "local" if low.network.size * np.dtype(study.dtype).itemsize <= devices.LOCAL_BYTES else "global"
    program = devices.model_program(study, low, where, trace=observer.trace)
    launch(program, "measure", Measure(batch.state, columns, data))
    found = {"columns": columns, "diverged": copy(batch.diverged)}
    if "parameters" in observer.needs:
        found["states"] = copy(batch.state)
    if "update_noise" in observer.needs:
        nothing = cuda.put(np.full(1, -1)), cuda.put(np.empty((1, 0), np.int64))
        quiet = put_on(low.quiet, study.dtype, cuda.put)
        for name, kind, numbers in (("noisy", low.dynamics, dynamics), ("quiet", low.quiet, quiet)):
            found[name] = cuda.array((count, size), study.dtype)
            program = devices.model_program(study, low, where, dynamics=kind)
            job = Noise(batch.state, found[name], *nothing, *place, data, numbers, low.key, events)
            launch(program, "noise", job)
    if "curvature" in observer.needs:
        plan, starts, tolerance = _lanczos(study, low)
        found["curvature"] = cuda.array((count, 3), study.dtype)
        program = devices.model_program(study, low, "global", plan=plan)
        curve = Curve(
            batch.state, batch.diverged, columns, found["curvature"], data, cuda.put(starts), tolerance
        )
        launch(program, "curve", curve)
    return found


def measured_rows(
    here: dict[str, Array], begin: int, end: int, lowered: Lowered, first: int, now: int
) -> Measured:
    """Return some rows of measurements, as the observer takes them; `first` is the number of row 0."""

    def rows(name: str) -> Array:
        return np.ascontiguousarray(here[name][begin:end])

    def noise() -> Array:
        with np.errstate(invalid="ignore"):  # diverged trajectories
            return np.asarray(rows("noisy") - rows("quiet"))

    return Measured(
        rows("columns"),
        states=lambda: rows("states"),
        noise=noise,
        curvature=lambda bad: rows("curvature"),
        stepped=lambda dynamics: stepped_rows(lowered, rows("states"), first + begin, now, dynamics),
    )


def _lanczos(study: Study, lowered: Lowered) -> tuple[Any, Array, Any]:
    """Return places, starting vectors and tolerance of Lanczos, in the study's precision."""
    dtype: Any = np.dtype(study.dtype)
    plan, starts, tolerance = lanczos_setting(lowered.network, dtype)
    return plan, starts, dtype.type(tolerance)


def task_options(study: Study, lowered: Lowered, task: str) -> dict[str, Any]:
    """Return what the program of a task takes besides a model."""
    if task == "curve":
        return {"plan": _lanczos(study, lowered)[0]}
    return {"trace": lowered.trace} if task == "measure" else {}


def host_job(study: Study, lowered: Lowered, task: str) -> Any:
    """Return the numbers of a task for a few trajectories, on the host: their types are those on a device."""
    from fastsde.kernels.gpu import jobs
    from fastsde.kernels.gpu.arguments import put_on
    from fastsde.kernels.observe import measurement_columns

    events, low = lowered.events, lowered
    count, dtype = 4, np.dtype(study.dtype)
    passages = low.passages
    size = int(low.network.widths[0] * low.network.widths[-1])

    def room(*shape: int, kind: Any = dtype) -> Array:
        return np.zeros(shape, kind, order="F")

    def put(value: Any) -> Any:
        converted: Any = put_on(value, dtype, lambda array: array)
        return converted

    state, diverged = room(count, low.network.parameters + low.carried), room(count, kind=np.int64)
    passed = room(count, passages, kind=np.int64)
    data, dynamics = put(low.data), put(low.dynamics)
    columns = room(count, measurement_columns(low.network.widths).count)
    if task == "advance":
        return jobs.Advance(state, diverged, passed, 0, 0, 1, True, data, dynamics, low.key, put(events))
    if task == "measure":
        return jobs.Measure(state, columns, data)
    if task == "noise":
        return jobs.Noise(
            state, room(count, size), diverged, passed, 0, 0, data, dynamics, low.key, put(events)
        )
    if task == "curve":
        _, starts, tolerance = _lanczos(study, low)
        return jobs.Curve(state, diverged, columns, room(count, 3), data, starts, tolerance)
    if task == "draw":
        return jobs.Draw(state, 0, 1, low.key)
    return jobs.Start(state, 0, low.key)
