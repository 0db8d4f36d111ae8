"""``python -m bench.gpu_model``: what a kernel can reach on an H200, from the instructions of one step.

Needs no GPU: `bench.machine` runs one warp of the PTX for a few steps, and the difference between two runs
is a step's. Two limits: shared memory takes an instruction a cycle (two cycles for ``float64``, more
where lanes meet in a bank), and a multiprocessor issues four instructions a cycle, one of PTX counted as one.
"""

import argparse
import sys

import numpy as np

from bench.machine import Warp, flat_arguments
from fastsde.benchmark.cases import GRADIENT, LANGEVIN, SGD, Case
from fastsde.integrate.gpu import ptx
from fastsde.integrate.gpu.host_jobs import host_job
from fastsde.integrate.gpu.placements import placement
from fastsde.integrate.lowering import lower
from fastsde.kernels.gpu.placement import HOPPER, limit_of
from fastsde.problem.data import build_problem

__all__ = ["CASES", "limits", "main", "step_counts"]

MULTIPROCESSORS, CLOCK, ISSUED = 132, 1.98e9, 4
SQUARE, CHAIN = (10, 10, 10, 10), (4, 10, 10, 10, 4)
CASES = {
    "langevin": (SQUARE, "population", LANGEVIN),
    "gradient": (SQUARE, "population", GRADIENT),
    "sgd": (CHAIN, 16, SGD),
    "langevin 4x(32x32)": ((32,) * 5, "population", LANGEVIN),
}


def study_of(name, dtype):
    """Return the study of a case."""
    widths, samples, model = CASES[name]
    case = Case(name, "", widths, model, samples=samples, dtype=dtype)
    return case.study(16)


def step_counts(study, name="model", capability=HOPPER):
    """Return trajectories of a warp, and instructions and cycles of shared memory of one step of it."""
    lowered = lower(study, name, build_problem(study))
    place = placement(lowered, study.dtype, limit_of(capability))
    if place.where not in {"shared", "lane"}:
        raise ValueError(f"{place.where}: not one warp for itself")
    warp = Warp(ptx.ptx(study, name, capability=capability), place.bytes * place.warps)
    runs = [warp.run(_arguments(study, lowered, place, steps), warps=place.warps) for steps in (2, 4)]
    before, after = runs
    counts = {one: (n - before.instructions[one]) / 2 for one, n in after.instructions.items()}
    return place, {k: n for k, n in counts.items() if n}, (after.wavefronts - before.wavefronts) / 2


def _arguments(study, lowered, place, steps):
    """Return a job of a few steps, in which no passage is awaited."""
    count, widths = place.side_by_side, lowered.network.widths
    rng = np.random.default_rng(4)
    numbers = lowered.network.parameters + lowered.carried
    state = rng.normal(0.0, 1.0 / np.sqrt(widths.max()), (count, numbers))
    job = host_job(study, lowered, "advance")._replace(
        state=np.asfortranarray(state.astype(study.dtype)),
        diverged=np.full(count, -1),
        passed=np.zeros((count, lowered.passages), np.int64, order="F"),
        rows=np.arange(count),
        start=1,
        steps=steps,
    )
    return [np.int64(count), *flat_arguments(job)]


def limits(place, counts, cycles):
    """Return trajectory-steps/s that shared memory allows, and that issuing does."""
    unit = MULTIPROCESSORS * CLOCK * place.side_by_side
    double = sum(n for one, n in counts.items() if one.endswith(".f64") and not one.startswith(("ld", "st")))
    return unit / cycles, unit / max(sum(counts.values()) / ISSUED, double / 2)


def _all(counts, start):
    return sum(n for one, n in counts.items() if one.startswith(start))


def main(arguments=None):
    """Print a line per case; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.gpu_model", description=__doc__)
    parser.add_argument("--cases", nargs="+", choices=tuple(CASES), default=tuple(CASES), metavar="NAME")
    parser.add_argument("--dtype", nargs="+", choices=("float32", "float64"), default=("float32", "float64"))
    given = parser.parse_args(arguments)
    print("case, precision: threads of a trajectory; a warp's reads, writes and cycles of shared memory,")
    print("multiply-adds and all instructions; limits of shared memory and of issue (trajectory-steps/s)")
    for name in given.cases:
        for dtype in given.dtype:
            place, counts, cycles = step_counts(study_of(name, dtype))
            reads, writes, products = (_all(counts, start) for start in ("ld.shared", "st.shared", "fma"))
            shown = ", ".join(f"{x:.0f}" for x in (reads, writes, cycles, products, sum(counts.values())))
            bounds = ", ".join(f"{x:.3g}" for x in limits(place, counts, cycles))
            print(f"{name}, {dtype}: {place.lanes}; {shown}; {bounds}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
