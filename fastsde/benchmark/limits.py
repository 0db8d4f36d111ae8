"""The limits of the machine, measured with fastsde's own kernels: products, normals, updates, memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastsde.benchmark.timing import Rate, calls_for, in_turns

__all__ = ["Limit", "Probe", "measure_limits", "probes", "steadiest", "tile_rates"]

SHAPES = ((8, 8, 16), (8, 8, 24), (4, 8, 32), (4, 4, 48))
"""Products ``n x m x inner`` whose three matrices fit into an L1 cache of 32 KiB at any lane width."""
NORMALS = 96
"""Lane vectors of normals, which are drawn repeatedly into the same buffer."""
COPY_BYTES = 1 << 26


@dataclass(frozen=True)
class Probe:
    """One limit to measure.

    Parameters
    ----------
    resource : str
        Description.
    unit : str
        Unit of the rate.
    amount : float
        Units per repetition.
    work : callable
        ``work(repetitions)``; releases the interpreter's lock, and uses its own data.
    """

    resource: str
    unit: str
    amount: float
    work: Callable[[int], object]


@dataclass(frozen=True)
class Limit:
    """A measured limit: the rate of one core, and of all threads at once."""

    resource: str
    dtype: str
    unit: str
    one: Rate
    all: Rate


def product_probe(dtype: str, n: int, m: int, inner: int) -> Probe:
    """Return the probe of one shape of matrix product."""
    from fastsde.benchmark.loops import multiply
    from fastsde.kernels.cpu import aligned
    from fastsde.kernels.lanes import lane_count

    lanes = lane_count(dtype)
    a, b, c = (aligned(size * lanes, dtype) for size in (n * inner, inner * m, n * m))
    a[:], b[:] = 1.0, 1.0
    title = f"fused multiply-adds, {n}x{m}x{inner}"
    return Probe(
        title, "flop/s", 2.0 * n * m * inner * lanes, lambda count: multiply(a, b, c, n, m, inner, count)
    )


def normal_probe(dtype: str) -> Probe:
    """Return the probe of the generator."""
    from fastsde.kernels.cpu import aligned
    from fastsde.kernels.lanes import lane_count
    from fastsde.kernels.sampling import ZERO_KEY, sample_normals

    lanes = lane_count(dtype)
    out = aligned((NORMALS + 4) * lanes, dtype)
    return Probe(
        "normals", "normals/s", NORMALS * lanes, lambda count: sample_normals(out, NORMALS, count, ZERO_KEY)
    )


def update_probe(dtype: str) -> Probe:
    """Return the probe of in-place parameter updates."""
    from fastsde.benchmark.loops import update
    from fastsde.kernels.cpu import aligned
    from fastsde.kernels.lanes import lane_count

    lanes, rows, columns = lane_count(dtype), 16, 16
    w, h = aligned(rows * columns * lanes, dtype), aligned(columns * lanes, dtype)
    w[:], h[:] = 1.0, 1e-3
    return Probe(
        "in-place updates",
        "updates/s",
        rows * columns * lanes,
        lambda count: update(w, h, rows, columns, count),
    )


def copy_probe(size: int = COPY_BYTES) -> Probe:
    """Return the probe of main memory: bytes read and written by a copy."""
    source: NDArray[Any] = np.ones(size, dtype=np.uint8)
    target: NDArray[Any] = np.zeros(size, dtype=np.uint8)

    def work(count: int) -> None:
        for _ in range(count):
            np.copyto(target, source)

    return Probe("memory, read and written", "bytes/s", 2.0 * size, work)


def probes(dtype: str) -> list[Probe]:
    """Return the probes of one precision; the best of several shapes of products counts."""
    return [*(product_probe(dtype, *shape) for shape in SHAPES), normal_probe(dtype), update_probe(dtype)]


def steadiest(rates: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return the rates, one per round, of the shape of product that is fastest in the median.

    The fastest shape of each round would be the one that met a fast moment.

    Examples
    --------
    >>> steadiest([np.array([1.0, 9.0, 1.0]), np.array([2.0, 2.0, 2.0])])
    array([2., 2., 2.])
    """
    return max(rates, key=lambda rounds: float(np.median(rounds)))


def measure_limits(dtype: str, threads: int, target: float, rounds: int) -> list[Limit]:
    """Measure the limits of one precision.

    Parameters
    ----------
    dtype : {"float32", "float64"}
    threads : int
        Number of threads, which measure at the same time, each with its own data.
    target : float
        Seconds of one measurement.
    rounds : int
        Number of measurements of each limit.

    Returns
    -------
    list of Limit
        Products (the best shape, named), normals, updates.
    """
    rates = _rates(lambda: probes(dtype), threads, target, rounds)
    products = max(rates[: len(SHAPES)], key=lambda pair: pair[1].best)
    return [
        Limit(probe.resource, dtype, probe.unit, one, both)
        for probe, one, both in [products, *rates[len(SHAPES) :]]
    ]


def measure_memory(threads: int, target: float, rounds: int) -> Limit:
    """Measure the copying of data larger than the caches."""
    [(probe, one, both)] = _rates(lambda: [copy_probe()], threads, target, rounds)
    return Limit(probe.resource, "", probe.unit, one, both)


def tile_rates(dtype: str, shape: tuple[int, int, int], target: float, rounds: int) -> Rate:
    """Measure the rate of one core for one shape of product, in flop/s."""
    probe = product_probe(dtype, *shape)
    count = calls_for(probe.work, target)
    [times] = in_turns([lambda: probe.work(count)], rounds)
    return Rate.of([probe.amount * count / taken for taken in times])


def _rates(
    make: Callable[[], list[Probe]], threads: int, target: float, rounds: int
) -> list[tuple[Probe, Rate, Rate]]:
    """Measure each probe on one thread and on all threads, alternately."""
    sets = [make() for _ in range(threads)]
    counts = [calls_for(probe.work, target) for probe in sets[0]]
    with ThreadPoolExecutor(threads) as pool:

        def together(index: int) -> None:
            list(pool.map(lambda probes: probes[index].work(counts[index]), sets))

        alone = in_turns([lambda i=i: sets[0][i].work(counts[i]) for i in range(len(counts))], rounds)  # type: ignore[misc]
        both = in_turns([lambda i=i: together(i) for i in range(len(counts))], rounds)  # type: ignore[misc]
    return [
        (
            probe,
            Rate.of([probe.amount * count / taken for taken in one]),
            Rate.of([threads * probe.amount * count / taken for taken in every]),
        )
        for probe, count, one, every in zip(sets[0], counts, alone, both, strict=True)
    ]
