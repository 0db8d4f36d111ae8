"""Integrate a range of trajectories of one model, from its starting law to the last snapshot."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastsde.integrate.beginning import Beginning, beginning
from fastsde.integrate.checkpoint import Checkpoint
from fastsde.integrate.cpu_ensemble import Blocks
from fastsde.integrate.lowering import Lowered, lower, parameter_count
from fastsde.integrate.observer import Observer
from fastsde.integrate.pace import Pace
from fastsde.integrate.replay import Replay
from fastsde.integrate.stopping import StoppingBlocks
from fastsde.problem.trajectory_file import TrajectoryFile
from fastsde.study.dimensions import passage_shapes
from fastsde.system.brief import brief
from fastsde.system.errors import Interrupted, RequestError
from fastsde.system.stopwatch import spend
from fastsde.system.threads import default_threads

if TYPE_CHECKING:
    from fastsde.problem.data import Problem
    from fastsde.study.study import Study

__all__ = ["Outcome", "beginning", "default_threads", "integrate", "split_events"]

Array = NDArray[Any]
SLICE_SECONDS = 1.0
"""About as long all trajectories advance between two looks at whether to stop or to save."""
FIRST_SLICE = 1 << 27
"""Parameter-steps of the first slice, while nothing is known of the speed."""


@dataclass(frozen=True)
class Outcome:
    """What an integration leaves besides its snapshots.

    Parameters
    ----------
    events : dict of arrays
        ``diverged_step`` and ``stopped_step`` (trajectories,), ``loss_below_step`` (trajectories, levels),
        ``mode_learned_step`` (trajectories, fractions, modes), ``radius_above_step`` (trajectories, radii),
        ``interval_step`` (trajectories, intervals) and ``escaped_step`` (trajectories, escapes), int64
        integrator steps; -1 where it did not happen.
    attributes : dict
        dt, substeps, temperature and whatever else the model resolved to.
    parameters : (trajectories, p) array
        The last point.
    checkpoint : Checkpoint
        From which a longer study continues.
    """

    events: dict[str, Array]
    attributes: dict[str, float | int | str]
    parameters: Array
    checkpoint: Checkpoint
    __repr__ = brief


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
    on_spared: Callable[[int], None] | None = None,
    stop: Callable[[], bool] | None = None,
    resume: Checkpoint | None = None,
    on_checkpoint: Callable[[Checkpoint], None] | None = None,
    checkpoint_seconds: float = 60.0,
    device: str = "cpu",
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
        Starting parameters in place of the study's initialisation, one row per trajectory: all weights, layer
        1 first, each matrix row by row; of a landscape, its coordinates.
    on_snapshot : callable, optional
        Called with the snapshot's number and its values, arrays with the trajectories first, in order and
        from the calling thread. The arrays are the receiver's to keep.
    on_progress : callable, optional
        Called with the trajectory-steps done.
    on_spared : callable, optional
        Called with the trajectory-steps that need not be done, because trajectories have stopped at an event.
    stop : callable, optional
        Polled about once a second.
    resume : Checkpoint, optional
        Go on from there instead of from the start; snapshots it counts are not taken again.
    on_checkpoint : callable, optional
        Given a checkpoint every `checkpoint_seconds`, and before stopping.
    checkpoint_seconds : float, optional
        Least time between two checkpoints.
    device : {"cpu", "cuda"}, optional
        Where to integrate: on CPUs, or on the GPU that `fastsde.integrate.devices`
        finds. Random integers are the same; results agree to rounding for as long as the dynamics are not
        chaotic.

    Returns
    -------
    Outcome

    Raises
    ------
    RequestError
        If the study has no such model, the range holds no trajectory, or `start` has another shape.
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
    from fastsde.problem.data import build_problem

    _check_request(study, name, first, count, start)
    problem = problem or build_problem(study)
    lowered = lower(study, name, problem)
    steps = study.time.snapshot_steps() * study.models[name].substeps
    opened, threads = _on_gpu if device == "cuda" else _on_cpu, threads or default_threads()
    if study.models[name].replayed:
        source = TrajectoryFile(study, name)
        source.check()
        start, opened = source.states(int(steps[0]), first, count), partial(_from_file, source)
    begins = Beginning if opened is _on_gpu else beginning
    begin = resume or begins(study, lowered, first, count, start)
    with opened(study, lowered, threads, first, count, begin, on_progress) as blocks:
        observer = Observer(study, study.models[name], problem, lowered, blocks.diverged, blocks.stopped)
        pace = Pace(
            SLICE_SECONDS, checkpoint_seconds, FIRST_SLICE // (blocks.rows * lowered.network.parameters)
        )
        for index in range(begin.snapshots, len(steps)):
            while blocks.step < steps[index]:
                previous = blocks.step
                pace.begin()
                blocks.advance(min(int(steps[index]), previous + pace.steps))
                pace.end(blocks.step - previous)
                if on_spared is not None:
                    on_spared(blocks.spared(int(steps[-1])))
                stopping = stop is not None and stop()
                if on_checkpoint is not None and (stopping or pace.save_due()):
                    on_checkpoint(blocks.checkpoint(index))
                    pace.saved()
                if stopping:
                    raise Interrupted("stopped while integrating")
            last = index == len(steps) - 1
            if last:
                end = blocks.checkpoint(index)
            blocks.measure(observer, last, _delivery(observer, count, index, on_snapshot))
        blocks.finish()
        lowered.attributes["device"] = blocks.device
    events = split_events(blocks.diverged[:count], blocks.passed[:count], passage_shapes(study))
    return Outcome(
        events | {"stopped_step": blocks.stopped[:count]},
        lowered.attributes,
        end.parameters[:, : lowered.network.parameters],
        end,
    )


def compile_step(study: Study, name: str, problem: Problem) -> None:
    """Compile what takes one step of a model on CPUs, and nothing that measures."""
    lowered = lower(study, name, problem)
    start = np.zeros((1, parameter_count(study)))
    begin = beginning(study, lowered, 0, 1, start)
    with _on_cpu(study, lowered, 1, 0, 1, begin, None) as blocks:
        blocks.advance(1)


def _check_request(study: Study, name: str, first: int, count: int, start: Array | None) -> None:
    """Refuse a model, a range or starting points that the study does not have room for."""
    if name not in study.models:
        raise RequestError(f"no model {name!r} in the study; it has {', '.join(study.models)}")
    if first < 0 or count < 1:
        raise RequestError(
            f"no trajectories: first = {first} must be at least 0, and count = {count} at least 1"
        )
    if start is None:
        return
    expected = (count, parameter_count(study))
    try:
        given = np.asarray(start)
        found = f"{given.dtype} of shape {given.shape}"
        right = given.shape == expected and given.dtype.kind in "fiub"
    except ValueError:
        found, right = "no array: its rows differ in length", False
    if not right:
        column = study.objective.vocabulary.parameter
        raise RequestError(
            f"start must be an array of numbers of shape {expected}: one row per trajectory "
            f"(count = {count}), one column per {column}; it is {found}"
        )


@contextmanager
def _on_cpu(
    study: Study, lowered: Lowered, threads: int, first: int, count: int, *rest: Any
) -> Iterator[Any]:
    """Integrate the trajectories of a range on CPUs."""
    with _workers(study, lowered, threads) as workers:
        kind = StoppingBlocks if len(lowered.events.stops) else Blocks
        yield kind(lowered, workers, first, count, *rest)


def _workers(study: Study, lowered: Lowered, threads: int) -> Any:
    """Return threads, each with room for a block."""
    from fastsde.kernels.cpu import Workers
    from fastsde.kernels.lanes import lane_count

    lanes = lane_count(study.dtype)
    return Workers(threads, lowered.network.size * lanes, lowered.choice * lanes, study.dtype)


@contextmanager
def _from_file(
    source: TrajectoryFile,
    study: Study,
    lowered: Lowered,
    threads: int,
    first: int,
    count: int,
    *rest: Any,
) -> Iterator[Any]:
    """Read the trajectories of a range from a file."""
    with _workers(study, lowered, threads) as workers:
        yield Replay(source, lowered, workers, first, count, *rest)


@contextmanager
def _on_gpu(
    study: Study, lowered: Lowered, threads: int, first: int, count: int, *rest: Any
) -> Iterator[Any]:
    """Give the trajectories of a range on the GPU."""
    from fastsde.integrate.gpu.resident import Resident

    with Resident(study, lowered, threads, first, count, *rest) as resident:
        yield resident


def _delivery(
    observer: Observer,
    count: int,
    index: int,
    on_snapshot: Callable[[int, Mapping[str, Array]], None] | None,
) -> Callable[[], None]:
    """Return what hands a snapshot on once it is complete."""

    def deliver() -> None:
        if on_snapshot is not None:
            values = observer.take(count)
            with spend("write"):
                on_snapshot(index, values)

    return deliver


def split_events(diverged: Array, passed: Array, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Array]:
    """Return divergences and passages, (trajectories, events), each event by its name and in its shape."""
    events = {"diverged_step": diverged}
    start = 0
    for name, shape in shapes.items():
        width = math.prod(shape)
        events[name] = passed[:, start : start + width].reshape(len(passed), *shape)
        start += width
    return events
