"""Integrate a range of trajectories of one model, from its starting law to the last snapshot."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastsde.errors import Interrupted
from fastsde.lowering import Lowered, lower
from fastsde.observables import Observer
from fastsde.start import start_points

if TYPE_CHECKING:
    from fastsde.data import Problem
    from fastsde.study import Study

__all__ = ["Outcome", "default_threads", "integrate"]

Array = NDArray[Any]
TASK_STEPS = 1_000_000
"""Trajectory-steps given to a thread at once: a fraction of a second."""


@dataclass(frozen=True)
class Outcome:
    """What an integration leaves beside its snapshots.

    Parameters
    ----------
    events : dict of arrays
        ``exploded_step`` (trajectories,), ``loss_below_step`` (trajectories, levels) and
        ``mode_learned_step`` (trajectories, fractions, modes), int64 integrator steps; -1 where it did not
        happen.
    attributes : dict
        dt, substeps, temperature and whatever else the model resolved to.
    parameters : (trajectories, p) array
        The last point.
    """

    events: dict[str, Array]
    attributes: dict[str, float | int | str]
    parameters: Array


def default_threads() -> int:
    """Return how many threads this process may use: its processors, as the scheduler grants them."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def integrate(
    study: Study,
    name: str,
    first: int,
    count: int,
    *,
    problem: Problem | None = None,
    threads: int | None = None,
    start: Array | None = None,
    on_snapshot: Callable[[int, Mapping[str, Array]], None] | None = None,
    on_progress: Callable[[int], None] | None = None,
    stop: Callable[[], bool] | None = None,
) -> Outcome:
    """Integrate trajectories ``first .. first + count - 1`` of a model.

    A trajectory's numbers depend on the study, its seed and its own number: not on `first`, `count` or
    `threads`.

    Parameters
    ----------
    study : Study
    name : str
        Name of the model.
    first, count : int
        The range of trajectories.
    problem : Problem, optional
        The study's problem, if it is at hand.
    threads : int, optional
        As many as the process may use, by default.
    start : (count, p) array, optional
        Starting parameters in place of the study's initialisation.
    on_snapshot : callable, optional
        Called with the snapshot's number and its values, arrays with the trajectories first, in order and
        from the calling thread. The arrays are the receiver's to keep.
    on_progress : callable, optional
        Called with the trajectory-steps done.
    stop : callable, optional
        Polled between tasks.

    Returns
    -------
    Outcome

    Raises
    ------
    Interrupted
        If `stop` said so.

    Examples
    --------
    >>> from fastsde import Study
    >>> study = Study.from_mapping({
    ...     "trajectories": 4,
    ...     "network": {"widths": [2, 3, 2], "init": {"std": 0.1}},
    ...     "data": {"samples": "population", "teacher": {"singular_values": [2.0, 1.0]}},
    ...     "time": {"learning_rate": 0.1, "steps": 100, "snapshots": {"count": 2}},
    ...     "models": {"gd": {"kind": "gd"}},
    ... })
    >>> losses = []
    >>> _ = integrate(study, "gd", 0, 4, on_snapshot=lambda index, values: losses.append(values["loss"]))
    >>> bool((losses[1] < 1e-3).all())
    True
    """
    from fastsde.data import build_problem
    from fastsde.kernels.cpu import Workers, from_lanes, standard_normals, to_lanes
    from fastsde.kernels.lanes import lane_count

    problem = problem or build_problem(study)
    lowered = lower(study, name, problem)
    if start is None:
        normals = standard_normals(lowered.network.parameters, first, count, lowered.start_key, study.dtype)
        start = start_points(normals, study.network.init, study.network.widths)
    state = to_lanes(np.asarray(start, dtype=study.dtype))
    lanes = lane_count(study.dtype)
    rows = len(state) * lanes
    exploded = np.full(rows, -1, dtype=np.int64)
    passed = np.full((rows, _event_count(lowered)), -1, dtype=np.int64)
    observer = Observer(study, study.models[name], problem, lowered, state, exploded, first)
    done = 0
    previous = 0
    snapshots = study.time.snapshot_steps() * study.models[name].substeps
    with Workers(
        threads or default_threads(), lowered.network.size * lanes, lowered.choice * lanes, study.dtype
    ) as workers:
        for index, now in enumerate(snapshots):
            advance = _task(
                lowered, state, exploded, passed, first, int(previous), int(now), now == snapshots[-1]
            )
            task = observer.after(advance, int(now))
            pieces = max(4 * workers.threads, rows * int(now - previous) // TASK_STEPS)
            for first_block, last_block in workers.map(task, workers.ranges(len(state), pieces)):
                done += (min(last_block * lanes, count) - first_block * lanes) * int(now - previous)
                if on_progress is not None:
                    on_progress(done)
                if stop is not None and stop():
                    raise Interrupted("stopped while integrating")
            values = observer.take(count)
            if on_snapshot is not None:
                on_snapshot(index, values)
            previous = now
    return Outcome(
        _events(study, lowered, exploded[:count], passed[:count]),
        lowered.attributes,
        from_lanes(state, count),
    )


def _event_count(lowered: Lowered) -> int:
    return len(lowered.events.levels) + int(lowered.events.thresholds.size)


def _task(
    lowered: Lowered,
    state: Array,
    exploded: Array,
    passed: Array,
    first: int,
    previous: int,
    now: int,
    closing: bool,
) -> Callable[[Array, Array, int, int], None]:
    """Return the function that advances a range of blocks from step `previous` to step `now`."""
    from fastsde.kernels.cpu import advance

    lanes = len(exploded) // len(state)

    def run(memory: Array, choice: Array, begin: int, end: int) -> None:
        rows = slice(begin * lanes, end * lanes)
        advance(
            state[begin:end],
            memory,
            choice,
            first + begin * lanes,
            previous,
            now - previous,
            closing,
            lowered.network,
            lowered.data,
            lowered.dynamics,
            lowered.key,
            lowered.events,
            exploded[rows],
            passed[rows],
        )

    return run


def _events(study: Study, lowered: Lowered, exploded: Array, passed: Array) -> dict[str, Array]:
    levels = len(lowered.events.levels)
    fractions, modes = lowered.events.thresholds.shape
    return {
        "exploded_step": exploded,
        "loss_below_step": passed[:, :levels],
        "mode_learned_step": passed[:, levels:].reshape(len(passed), fractions, modes),
    }
