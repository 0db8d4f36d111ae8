"""Trajectory-steps per second of a case, and its fraction of the machine's limit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from fastsde.benchmark.cases import MODEL, Case
from fastsde.benchmark.limits import Probe, probes, steadiest
from fastsde.benchmark.timing import Rate, calls_for, in_turns, seconds
from fastsde.benchmark.work import Work, step_work
from fastsde.integrate.integration import integrate
from fastsde.problem.data import build_problem

__all__ = [
    "PIECES",
    "Throughput",
    "by_round",
    "fewer",
    "measure_throughput",
    "runner",
    "step_times",
    "steps_for",
]

PROBE_SECONDS = 0.004
PIECES = 5
PIECE_SECONDS = 0.05  # at least, or the start takes as long as the steps
MOST_STEPS = 1 << 24


@dataclass(frozen=True)
class Throughput:
    """The throughput of a case.

    Parameters
    ----------
    case : Case
    work : Work
        Operations of one trajectory-step.
    steps : int
        Learning-rate steps of a measured run of all threads.
    one, all : Rate
        Trajectory-steps (integrator steps of single trajectories) per second, of one thread and of all
        threads; the start-up time of a run is subtracted.
    start : float
        Seconds per trajectory of a run besides its steps, on all threads: drawing the initial state, first
        and last snapshot.
    threads : int
        Number of all threads.
    limit : float
        Trajectory-steps per second of one core that does nothing but the counted work, at the best rates.
    share : Rate
        Time at the limit divided by the time of one thread, over rounds in which both were measured.
    """

    case: Case
    work: Work
    steps: int
    one: Rate
    all: Rate
    start: float
    threads: int
    limit: float
    share: Rate


def fewer(case: Case) -> Case:
    """Return the case with an eighth of its trajectories, 64 or more: a step is short against a piece.

    What a step of a trajectory costs does not depend on their number, as one block of them after the other is
    carried to the next snapshot. A start does: with many trajectories it takes as long as several steps.

    Examples
    --------
    >>> fewer(Case("small", "", (2, 2), trajectories=1024)).trajectories
    128
    """
    return case.replace(trajectories=min(case.trajectories, max(64, case.trajectories // 8)))


def runner(case: Case, steps: int, threads: int) -> Callable[[], object]:
    """Return a function that integrates a case; its problem is built before, initial states in each call."""
    study = case.study(steps)
    problem = build_problem(study)
    return partial(integrate, study, MODEL, 0, case.trajectories, problem=problem, threads=threads)


def steps_for(case: Case, target: float) -> int:
    """Return how many learning-rate steps take one thread about `target` seconds; compiles the kernels."""
    runner(case, 1, 1)()
    short = min(seconds(runner(case, 1, 1)) for _ in range(2))
    steps = 2
    while True:
        run = runner(case, steps, 1)
        taken = max(min(seconds(run), seconds(run)) - short, 1e-6)
        if taken >= target / 4 or steps >= MOST_STEPS:
            return max(2, min(MOST_STEPS, round(steps * target / taken)))
        steps = min(MOST_STEPS, steps * max(2, min(32, int(target / taken))))


def step_times(short: NDArray[np.float64], long: NDArray[np.float64], steps: int) -> NDArray[np.float64]:
    """Return the time of one learning-rate step in each round, from runs of 1 and of `steps` steps.

    The shortest of the short runs is subtracted, since a slow one would make steps appear too fast.

    Examples
    --------
    >>> step_times(np.array([1.0, 1.0]), np.array([3.0, 5.0]), steps=3)
    array([1., 2.])
    """
    taken = long - np.min(short)
    return np.asarray(np.maximum(taken, 0.05 * long) / (steps - 1))


def by_round(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the median of the `PIECES` of each round.

    Examples
    --------
    >>> by_round(np.array([1.0, 1.0, 1.0, 5.0, 9.0, 2.0, 2.0, 2.0, 2.0, 2.0]))
    array([1., 2.])
    """
    return np.asarray(np.median(values.reshape(-1, PIECES), axis=1))


def measure_throughput(case: Case, threads: int, target: float, rounds: int) -> Throughput:
    """Time a case with all threads, and `fewer` with one, alternating with the rates of the limit.

    Each run is measured in `PIECES`: on a shared machine the speed of a core changes from second to second,
    and only what was measured within a short time can be compared.

    Parameters
    ----------
    case : Case
    threads : int
        Number of all threads.
    target : float
        Seconds of one run, all pieces together.
    rounds : int
        Number of runs of each kind.
    """
    few, piece = fewer(case), max(target / PIECES, PIECE_SECONDS)
    steps, more = steps_for(case, piece), steps_for(few, piece)
    study = case.study(steps)
    work = step_work(study, MODEL, build_problem(study))
    singles = _prepared(probes(case.dtype))
    runs = [runner(few, n, 1) for n in (1, more)] + [runner(case, n, threads) for n in (1, steps)]
    times = np.array(in_turns([*(run for run, _ in singles), *runs], PIECES * rounds))
    amounts = np.array([amount for _, amount in singles])
    *products, normals, updates = amounts[:, None] / times[:-4]
    rates = zip(steadiest(products), normals, updates, strict=True)
    limits = 1 / np.array([work.seconds(*at) for at in rates])
    single = few.trajectories * case.substeps / step_times(times[-4], times[-3], more)
    every = case.trajectories * case.substeps / step_times(times[-2], times[-1], steps)
    return Throughput(
        case=case,
        work=work,
        steps=steps,
        one=Rate.of(single),
        all=Rate.of(every),
        start=float(times[-2].min()) / case.trajectories,
        threads=threads,
        limit=float(np.max(limits)),
        share=Rate.of(by_round(single / limits)),
    )


def _prepared(wanted: list[Probe]) -> list[tuple[Callable[[], object], float]]:
    """Return for each probe a call that takes about `PROBE_SECONDS`, and its amount."""
    calls: list[tuple[Callable[[], object], float]] = []
    for probe in wanted:
        count = calls_for(probe.work, PROBE_SECONDS)
        calls.append((partial(probe.work, count), probe.amount * count))
    return calls
