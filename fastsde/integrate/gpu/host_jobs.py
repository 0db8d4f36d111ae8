"""What a task is given, with a few trajectories on the host: for compilers, which look at types only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastsde.integrate.curvature import lanczos_setting

if TYPE_CHECKING:
    from fastsde.integrate.lowering import Lowered
    from fastsde.study.study import Study

__all__ = ["host_job", "lanczos", "task_options"]

Array = NDArray[Any]


def lanczos(study: Study, lowered: Lowered) -> tuple[Any, Array, Any]:
    """Return places, starting vectors and tolerance of Lanczos, in the study's precision."""
    dtype: Any = np.dtype(study.dtype)
    plan, starts, tolerance = lanczos_setting(lowered.network, dtype)
    return plan, starts, dtype.type(tolerance)


def task_options(study: Study, lowered: Lowered, task: str) -> dict[str, Any]:
    """Return what the program of a task takes besides a model."""
    return {"plan": lanczos(study, lowered)[0]} if task == "curve" else {}


def host_job(study: Study, lowered: Lowered, task: str, dynamics: Any = None) -> Any:
    """Return the numbers of a task for a few trajectories, on the host: their types are those on a device.

    `dynamics` takes the place of the model's.
    """
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
        converted: Any = put_on(value, dtype, np.array)
        return converted

    state, diverged = room(count, low.network.parameters + low.carried), room(count, kind=np.int64)
    passed = room(count, passages, kind=np.int64)
    data, dynamics = put(low.data), put(low.dynamics if dynamics is None else dynamics)
    columns = room(count, measurement_columns(low.network.widths).count)
    if task in {"advance", "look"}:
        return jobs.Advance(
            state, diverged, passed, np.arange(count), 0, 0, 1, data, dynamics, low.key, put(events)
        )
    if task in {"measure", "measure_trace"}:
        return jobs.Measure(state, columns, data, put(low.network))
    if task == "noise":
        nothing = diverged, np.empty((1, 0), np.int64)
        given = data, dynamics, low.key, put(events)
        return jobs.Noise(state, room(count, size), *nothing, 0, 0, *given)
    if task == "curve":
        _, starts, tolerance = lanczos(study, low)
        return jobs.Curve(state, diverged, columns, room(count, 3), data, starts, tolerance)
    if task == "draw":
        return jobs.Draw(state, 0, 1, low.key)
    origins, scales = put(np.zeros((1, low.network.parameters))), put(np.ones(low.network.parameters))
    return jobs.Start(state, diverged, passed, 0, low.key, origins, scales)
