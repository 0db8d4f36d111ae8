"""The whole benchmark: limits, throughput and scaling, and its results as rows and as plain data."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fastsde.benchmark.cases import Case, Precision, cases
from fastsde.benchmark.limits import Limit, measure_limits, measure_memory
from fastsde.benchmark.scaling import AXES, Axis, Scaling, Threads, measure_scaling, measure_threads
from fastsde.benchmark.throughput import Throughput, measure_throughput
from fastsde.system.progress import Progress, Silent
from fastsde.system.provenance import host, now, versions
from fastsde.system.threads import default_threads

__all__ = ["Benchmark", "run_benchmark"]


@dataclass(frozen=True)
class Benchmark:
    """The results of the benchmark.

    Parameters
    ----------
    machine : dict
        Name, system, CPU, cores, bytes of a vector register.
    created : str
        Date and time, ISO 8601, UTC.
    versions : dict
        Versions of the libraries.
    limits : list of Limit
    throughput : list of Throughput
    threads : list of Threads
    scaling : list of Scaling
    """

    machine: dict[str, Any]
    created: str
    versions: dict[str, str]
    limits: list[Limit]
    throughput: list[Throughput]
    threads: list[Threads]
    scaling: list[Scaling]

    def limit_rows(self) -> list[dict[str, Any]]:
        """Return the limits as rows of a table."""
        return [
            {
                "limit": limit.resource,
                "dtype": limit.dtype,
                "one core": limit.one.best / 1e9,
                "all threads": limit.all.best / 1e9,
                "unit": f"10^9 {limit.unit}",
            }
            for limit in self.limits
        ]

    def throughput_rows(self) -> list[dict[str, Any]]:
        """Return the cases as rows of a table.

        A step is an integrator step of one trajectory. Its time and its fraction of the limit refer to one
        thread; rates, and the time to start and save a trajectory, refer to all threads.
        """
        return [
            {
                "model": item.case.title,
                "dtype": item.case.dtype,
                "trajectories": item.case.trajectories,
                "us/step": 1e6 / item.one.best,
                "of the limit": f"{item.share.median:.0%}",
                "10^6 steps/s": item.all.best / 1e6,
                "10^6 normals/s": item.all.best * item.work.normals / 1e6,
                "Gflop/s": item.all.best * item.work.flops / 1e9,
                "us/start": 1e6 * item.start,
            }
            for item in self.throughput
        ]

    def thread_rows(self) -> list[dict[str, Any]]:
        """Return the scaling with threads as rows of a table."""
        return [
            {
                "model": item.case.title,
                "threads": item.threads,
                "10^6 steps/s": item.rate.best / 1e6,
                "speed-up": item.gain,
            }
            for item in self.threads
        ]

    def scaling_rows(self) -> list[dict[str, Any]]:
        """Return the exponents as rows of a table."""
        return [
            {
                "size": item.axis.name,
                "model": item.axis.title,
                "range": f"{item.sizes[0]} to {item.sizes[-1]}",
                "measured exponent": item.measured,
                "expected exponent": item.expected,
                "asymptotic exponent": item.axis.asymptotic,
                "explanation": item.axis.why,
            }
            for item in self.scaling
        ]

    def to_mapping(self) -> dict[str, Any]:
        """Return everything as plain data, for JSON; rates are in units per second, times in seconds."""
        return {
            "machine": self.machine,
            "created": self.created,
            "versions": self.versions,
            "limits": [dataclasses.asdict(item) for item in self.limits],
            "throughput": [
                {
                    **_case(item.case),
                    "steps": item.steps,
                    **dataclasses.asdict(item.work),
                    "one": dataclasses.asdict(item.one),
                    "all": dataclasses.asdict(item.all),
                    "start": item.start,
                    "threads": item.threads,
                    "limit": item.limit,
                    "share": dataclasses.asdict(item.share),
                }
                for item in self.throughput
            ],
            "threads": [
                {
                    **_case(item.case),
                    "threads": item.threads,
                    "rate": dataclasses.asdict(item.rate),
                    "gain": item.gain,
                }
                for item in self.threads
            ],
            "scaling": [
                {
                    "axis": item.axis.name,
                    "title": item.axis.title,
                    "sizes": list(item.sizes),
                    "seconds": list(item.seconds),
                    "limit": list(item.limit),
                    "measured": item.measured,
                    "expected": item.expected,
                    "asymptotic": item.axis.asymptotic,
                    "why": item.axis.why,
                }
                for item in self.scaling
            ],
        }


def _case(case: Case) -> dict[str, Any]:
    return dataclasses.asdict(case) | {"model": dict(case.model)}


def run_benchmark(
    *,
    threads: int | None = None,
    quick: bool = False,
    dtype: Precision | None = None,
    target: float | None = None,
    chosen: Sequence[Case] | None = None,
    axes: Sequence[Axis] = AXES,
    progress: Progress | None = None,
) -> Benchmark:
    """Measure this machine, then fastsde on it.

    Every rate is the best of several runs, since other load can only slow down a run. Fractions of the limit
    and speed-ups are medians over rounds in which both times were measured. Compile time is excluded.

    Parameters
    ----------
    threads : int, optional
        Number of threads; by default all that the process may use.
    quick : bool
        ``float32`` only, fewer sizes, shorter runs: less than a minute once the kernels are compiled.
    dtype : {"float32", "float64"}, optional
        Only this precision; by default both, or ``float32`` if `quick`.
    target : float, optional
        Seconds of one measured run, by default 0.5, or 0.05 if `quick`.
    chosen : sequence of Case, optional
        The cases to time, instead of `fastsde.benchmark.cases.CASES`.
    axes : sequence of Axis
        The sizes to vary.
    progress : Progress, optional
        Reports what is being measured.

    Returns
    -------
    Benchmark
    """
    threads = threads or default_threads()
    target = target if target is not None else 0.05 if quick else 0.5
    rounds = 3 if quick else 5
    chosen = cases(quick=quick, dtype=dtype) if chosen is None else chosen
    growing: Precision = dtype or "float32"
    progress = progress if progress is not None else Silent()
    precisions = sorted({growing, *(case.dtype for case in chosen)})
    stages = len(precisions) + len(chosen) + len(axes) + 2
    begun = itertools.count()

    def begin(stage: str) -> None:
        progress.update(next(begun), stage)

    with progress.task("benchmark", stages, "measurements"):
        limits = {}
        for precision in precisions:
            begin(f"limits, {precision}")
            limits[precision] = measure_limits(precision, threads, target / 5, rounds)
        begin("limits, memory")
        memory = measure_memory(threads, target / 5, rounds)
        throughput = []
        for case in chosen:
            begin(f"{case.title}, {case.dtype}")
            throughput.append(measure_throughput(case, threads, target, rounds))
        begin("scaling with threads")
        gains = [row for case in chosen[:1] for row in measure_threads(case, threads, 4 * target, rounds)]
        scaling = []
        for axis in axes:
            begin(f"scaling with {axis.name}")
            scaling.append(measure_scaling(axis, limits[growing], target, rounds, quick=quick, dtype=growing))
        progress.update(stages)
    flat = [limit for measured in limits.values() for limit in measured]
    return Benchmark(_machine(), now(), versions(), [*flat, memory], throughput, gains, scaling)


def _machine() -> dict[str, Any]:
    from fastsde.kernels.lanes import VECTOR_BYTES

    return {**host(), "vector_bytes": VECTOR_BYTES}
