"""Scaling of the cost with threads and with each size of the problem, measured and expected."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from fastsde.benchmark.cases import GRADIENT, LANGEVIN, MODEL, SGD, SQUARE, Case, Precision
from fastsde.benchmark.limits import Limit
from fastsde.benchmark.throughput import PIECES, runner, step_times, steps_for
from fastsde.benchmark.timing import Rate, in_turns
from fastsde.benchmark.work import step_work
from fastsde.problem.data import build_problem

__all__ = ["AXES", "Axis", "Scaling", "Threads", "exponent", "measure_scaling", "measure_threads"]


@dataclass(frozen=True)
class Axis:
    """One size that varies while the others are fixed.

    Parameters
    ----------
    name : str
    title : str
        Description of what is timed.
    sizes, quick : tuple of int
        The sizes, and those of a quick benchmark.
    case : callable
        Function that returns the case of a size.
    asymptotic : int
        The exponent in the limit of large sizes.
    why : str
        One sentence that explains this exponent, and the deviation for small sizes.
    """

    name: str
    title: str
    sizes: tuple[int, ...]
    quick: tuple[int, ...]
    case: Callable[[int], Case]
    asymptotic: int
    why: str = ""


def _deep(depth: int) -> Case:
    return Case(f"depth-{depth}", "", (10,) * (depth + 1), LANGEVIN, trajectories=2048)


def _wide(width: int) -> Case:
    return Case(f"width-{width}", "", (width,) * 4, LANGEVIN, trajectories=max(128, 32768 // width))


def _batched(batch: int) -> Case:
    model = {**SGD, "batch": batch, "sampling": "replacement"}
    return Case(f"batch-{batch}", "", (4, 10, 10, 10, 4), model, samples=2048, trajectories=1024)


def _sampled(samples: int) -> Case:
    return Case(f"samples-{samples}", "", (4, 10, 10, 10, 4), GRADIENT, samples=samples, trajectories=1024)


def _many(trajectories: int) -> Case:
    return Case(f"trajectories-{trajectories}", "", SQUARE, LANGEVIN, trajectories=trajectories)


AXES = (
    Axis(
        "trajectories",
        "Langevin, 3 layers of 10x10",
        (256, 1024, 4096, 16384, 65536),
        (512, 2048, 8192),
        _many,
        1,
        "Trajectories are independent, and each block of them stays in the cache.",
    ),
    Axis(
        "width",
        "Langevin, 3 square layers",
        (8, 16, 32, 64, 128),
        (8, 16, 32),
        _wide,
        3,
        "Products of d x d matrices cost d^3; normals and updates cost d^2, and dominate for small d.",
    ),
    Axis(
        "depth",
        "Langevin, layers of 10x10",
        (2, 4, 8, 16, 32),
        (2, 4, 8),
        _deep,
        1,
        "Each layer adds three products and its normals, except that the first layer needs no products.",
    ),
    Axis(
        "batch",
        "SGD with replacement, 4-10-10-10-4",
        (1, 4, 16, 64),
        (1, 4, 16),
        _batched,
        1,
        "Each sample has a forward and a backward pass; for batch 1 the gradient is applied directly.",
    ),
    Axis(
        "samples",
        "gradient noise, 4-10-10-10-4",
        (16, 64, 256, 1024, 4096),
        (16, 64, 256),
        _sampled,
        1,
        "Each sample adds one normal and two small products to a descent of constant cost.",
    ),
)
"""The sizes that ``fastsde bench`` varies."""


@dataclass(frozen=True)
class Scaling:
    """Measured scaling along an axis.

    Parameters
    ----------
    axis : Axis
    sizes : tuple of int
    seconds : tuple of float
        Best time of one integrator step at each size on one thread, of one trajectory, or, along the axis of
        trajectories, of the whole ensemble.
    limit : tuple of float
        The same, from operation counts and the machine's rates.
    measured, expected : float
        Exponents: slopes of straight lines through the logarithms of `seconds` and of `limit`.
    """

    axis: Axis
    sizes: tuple[int, ...]
    seconds: tuple[float, ...]
    limit: tuple[float, ...]
    measured: float
    expected: float


@dataclass(frozen=True)
class Threads:
    """Throughput with a number of threads; `gain` is the median ratio to one thread in the same round."""

    case: Case
    threads: int
    rate: Rate
    gain: float


def exponent(sizes: Sequence[float], values: Sequence[float]) -> float:
    """Return the slope of the least-squares line through the logarithms.

    Examples
    --------
    >>> round(exponent([1, 2, 4], [3.0, 24.0, 192.0]), 6)
    3.0
    """
    return float(np.polyfit(np.log(sizes), np.log(values), 1)[0])


def measure_scaling(
    axis: Axis,
    limits: Sequence[Limit],
    target: float,
    rounds: int,
    *,
    quick: bool = False,
    dtype: Precision = "float32",
) -> Scaling:
    """Time the sizes of an axis alternately with one thread, and fit the exponents.

    Parameters
    ----------
    axis : Axis
    limits : sequence of Limit
        Limits for `dtype`: products, normals, updates.
    target : float
        Seconds of one run.
    rounds : int
        Runs of each size; the fastest counts.
    quick : bool
        Whether to measure fewer sizes.
    dtype : {"float32", "float64"}
    """
    sizes = axis.quick if quick else axis.sizes
    chosen = [axis.case(size).replace(dtype=dtype) for size in sizes]
    steps = [steps_for(case, target) for case in chosen]
    pairs = list(zip(chosen, steps, strict=True))
    times = np.array(in_turns([runner(case, count, 1) for case, n in pairs for count in (1, n)], rounds))
    whole = axis.name == "trajectories"
    seconds, limit = [], []
    for number, (case, n) in enumerate(pairs):
        taken = step_times(times[2 * number], times[2 * number + 1], n)
        study = case.study(n)
        work = step_work(study, MODEL, build_problem(study))
        shared = case.trajectories if whole else 1
        seconds.append(float(np.min(taken)) / case.substeps / case.trajectories * shared)
        limit.append(work.seconds(*(at.one.best for at in limits)) * shared)
    return Scaling(
        axis, tuple(sizes), tuple(seconds), tuple(limit), exponent(sizes, seconds), exponent(sizes, limit)
    )


def measure_threads(case: Case, threads: int, target: float, rounds: int) -> list[Threads]:
    """Time a case alternately with 1, 2, 4, ... and all threads."""
    counts = sorted({*(1 << k for k in range(threads.bit_length()) if 1 << k <= threads), threads})
    steps = steps_for(case, target / PIECES)
    runs = [runner(case, n, count) for count in counts for n in (1, steps)]
    times = np.array(in_turns(runs, PIECES * rounds))
    taken = [step_times(times[2 * i], times[2 * i + 1], steps) for i in range(len(counts))]
    done = case.trajectories * case.substeps
    return [
        Threads(case, count, Rate.of(done / taken[i]), float(np.median(taken[0] / taken[i])))
        for i, count in enumerate(counts)
    ]
