"""The cases that `bench.gpu` measures on a GPU, and how each is measured."""

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fastsde.benchmark.cases import GRADIENT, LANGEVIN, MODEL, SGD, Case
from fastsde.benchmark.work import Work, step_work
from fastsde.integrate.beginning import Beginning
from fastsde.integrate.gpu.programs import model_program
from fastsde.integrate.gpu.resident import Resident
from fastsde.integrate.lowering import lower
from fastsde.problem.data import build_problem
from fastsde.study.study import Study
from fastsde.system.stopwatch import stopwatch
from fastsde.system.threads import default_threads

__all__ = ["DRY", "GOALS", "NETWORKS", "SIZES", "Size", "measure_case", "occupancy", "roofline", "study_of"]

NORMAL_INSTRUCTIONS = 45
LANES = 128
"""Lanes of a multiprocessor that multiply and add in ``float32`` (compute capability 8.6, 8.9, 9.0)."""
SQUARE = (10, 10, 10, 10)
FIELD = (4, 10, 10, 10, 4)
NETWORKS = {
    "langevin": Case("langevin", "", SQUARE, LANGEVIN),
    "gradient": Case("gradient", "", SQUARE, GRADIENT),
    "sgd": Case("sgd", "", FIELD, SGD, samples=16),
    "langevin-f64": Case("langevin-f64", "", SQUARE, LANGEVIN, dtype="float64"),
    "gradient-f64": Case("gradient-f64", "", SQUARE, GRADIENT, dtype="float64"),
    "sgd-f64": Case("sgd-f64", "", FIELD, SGD, samples=16, dtype="float64"),
    "langevin-32": Case("langevin-32", "", (32,) * 5, LANGEVIN),
    "langevin-64": Case("langevin-64", "", (64,) * 5, LANGEVIN),
}
GOALS = {
    "langevin": "8e8 trajectory-steps/s in the kernel, 8 times JAX in a whole run",
    "gradient": "7.5e8 trajectory-steps/s in the kernel, 8 times JAX in a whole run",
    "sgd": "5e9 trajectory-steps/s in the kernel, 20 times JAX in a whole run",
    "linear": "8,388,608 trajectories x 256 steps from start to file in 0.5 s",
    "normals": "2e11 normals/s",
    "langevin-32": "60 % of the limit, faster than JAX",
    "langevin-64": "60 % of the limit, faster than JAX",
    "langevin-f64": "a third of float32",
    "gradient-f64": "a third of float32",
    "sgd-f64": "a third of float32",
}
WITH_JAX = ("langevin", "gradient", "sgd", "langevin-32", "langevin-64")


@dataclass(frozen=True)
class Size:
    """Trajectories and steps of a run."""

    trajectories: int
    steps: int


SIZES = {
    "langevin": Size(1_000_000, 1000),
    "gradient": Size(1_000_000, 1000),
    "sgd": Size(1_000_000, 1600),
    "linear": Size(8_388_608, 256),
    "normals": Size(4_194_304, 4096),
    "langevin-32": Size(65_536, 200),
    "langevin-64": Size(16_384, 100),
    "langevin-f64": Size(1_000_000, 300),
    "gradient-f64": Size(1_000_000, 300),
    "sgd-f64": Size(1_000_000, 480),
}
"""The most important cases first: what is measured until there is no time left."""
DRY = {name: Size(4, 16 if "sgd" in name else 2) for name in SIZES if not name.startswith("langevin-")}
LONG_SECONDS = 4.0
"""A kernel that takes so long is not repeated."""


def linear_study(size):
    """Return the study of three independent linear SDEs, with three normals per step."""
    return Study.from_mapping(
        {
            "trajectories": size.trajectories,
            "dtype": "float32",
            "landscape": {"kind": "quadratic", "eigenvalues": [1.0, 1.0, 1.0]},
            "time": {"learning_rate": 0.01, "steps": size.steps, "snapshots": {"at": [size.steps]}},
            "events": {"mode_learned": []},
            "record": {"observables": ["loss"]},
            "models": {MODEL: {"kind": "sde", "noise": "isotropic", "temperature": 0.1, "substeps": 1}},
        }
    )


def study_of(name, size):
    """Return the study of a case."""
    if name in NETWORKS:
        return NETWORKS[name].study(size.steps).replace(trajectories=size.trajectories)
    return linear_study(size)


def roofline(work, device, dtype="float32"):
    """Return trajectory-steps per second at one instruction per lane and cycle; half of it in ``float64``."""
    instructions = work.flops / 2 + work.updates + NORMAL_INSTRUCTIONS * work.normals
    rate = device["multiprocessors"] * LANES * device["clock_hz"] / instructions
    return rate if dtype == "float32" else rate / 2


def occupancy(registers, threads, shared):
    """Return the fraction of 64 warps per multiprocessor with 65536 registers and 228 KiB of shared memory.

    Registers are allocated in units of 256 per warp, shared memory in units of 1 KiB per block, plus 1 KiB.
    """
    warps = -(-threads // 32)
    by_registers = 65536 // (-(-max(registers, 1) * 32 // 256) * 256 * warps)
    by_shared = 228 * 1024 // (-(-(shared + 1024) // 1024) * 1024)
    return min(64, warps * min(32, by_registers, by_shared)) / 64


def measure_case(name, size, device, repeats):
    """Return the figures of a case."""
    if name == "normals":
        return normals(size, device)
    study = study_of(name, size)
    work = step_work(study, MODEL, build_problem(study)) if name in NETWORKS else Work(12, 3, 3)
    kernel = _kernel(study, repeats)
    whole = _whole(study, 1 if kernel["kernel_seconds"] > LONG_SECONDS else repeats)
    steps = size.trajectories * size.steps
    rate = steps / kernel["kernel_seconds"]
    return {
        "trajectories": size.trajectories,
        "steps": size.steps,
        **kernel,
        **whole,
        "kernel_rate": rate,
        "whole_rate": steps / whole["whole_seconds"],
        "whole_over_kernel": whole["whole_seconds"] / kernel["kernel_seconds"],
        "roofline_share": rate / roofline(work, device, study.dtype),
    }


def _kernel(study, repeats):
    """Return the time of the kernels alone, and what they take of a multiprocessor."""
    lowered = lower(study, MODEL, build_problem(study))
    count, steps = study.trajectories, study.time.steps
    begin = Beginning(study, lowered, 0, count)
    with Resident(study, lowered, default_threads(), 0, count, begin) as resident:
        resident.kernel_seconds(1)
        taken = [resident.kernel_seconds(steps)]
        while len(taken) < repeats and taken[0] < LONG_SECONDS:
            taken.append(resident.kernel_seconds(steps))
        takes = resident.takes()
        return {
            "memory": resident.where,
            "kernel_seconds": min(taken),
            **takes,
            "occupancy": occupancy(**takes),
        }


def _whole(study, repeats):
    """Return the time of a run from the study to its files, and where it goes in the fastest one."""
    import fastsde

    best = None
    for _ in range(repeats):
        with tempfile.TemporaryDirectory() as folder:
            begun = time.perf_counter()
            with stopwatch() as seconds:
                fastsde.run(study, Path(folder) / "run", device="cuda", part_size=study.trajectories)
            taken = time.perf_counter() - begun
        if best is None or taken < best["whole_seconds"]:
            best = {"whole_seconds": taken, "spent": {key: round(value, 4) for key, value in seconds.items()}}
    return best


def normals(size, device):
    """Return the rate of `float32` normals per second, drawn and added up without storing them."""
    from fastsde.kernels.gpu import arrays, streams
    from fastsde.kernels.gpu.jobs import Draw

    study = linear_study(size)
    lowered = lower(study, MODEL, build_problem(study))
    numbers = lowered.network.parameters
    program = model_program(study, lowered, "local")
    state = arrays.put(np.zeros((size.trajectories, numbers), np.float32, order="F"))
    stream, _ = streams.streams()

    def work(steps):
        program.launch("draw", size.trajectories, Draw(state, 0, steps, lowered.key), stream)

    work(1)
    taken = streams.device_seconds(lambda: work(size.steps), stream)
    drawn = 4 * -(-numbers // 4)  # a call of Philox generates four, not all of which are used
    rate = size.trajectories * size.steps * numbers / taken
    roof = device["multiprocessors"] * LANES * device["clock_hz"] / NORMAL_INSTRUCTIONS
    return {"normals_rate": rate, "drawn_rate": rate * drawn / numbers, "roofline_share": rate / roof}
