"""``python -m bench.gpu``: the speed of the kernels on a GPU, compared with JAX on the same GPU.

For each case: the time of the kernel alone (device events) and of a whole integration with its snapshots
(host clock), registers and occupancy, and the fraction of the roofline. The roofline counts the instructions
of a lane, half the flop and 45 per normal (Philox 18, Box-Muller 27), at one instruction per lane and cycle.
JAX runs `bench.peers.jax_peer` with its fastest generator and all trajectories in one batch. Compile time is
excluded. ``--dry`` runs the same with a few trajectories, also in numba's simulator.
"""

import argparse
import importlib.util
import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fastsde.benchmark.cases import GRADIENT, LANGEVIN, MODEL, SGD, Case
from fastsde.benchmark.work import Work, step_work
from fastsde.integrate import devices
from fastsde.integrate.cuda_ensemble import Resident
from fastsde.integrate.integration import beginning, default_threads, integrate
from fastsde.integrate.lowering import lower
from fastsde.problem.data import build_problem
from fastsde.study.study import Study
from fastsde.system.errors import DeviceError

__all__ = ["GOALS", "main", "occupancy", "roofline"]

NORMAL_INSTRUCTIONS = 45
LANES = 128
"""Lanes of a multiprocessor that multiply and add in ``float32`` (compute capability 8.6, 8.9, 9.0)."""
SQUARE = (10, 10, 10, 10)
NETWORKS = {
    "langevin": Case("langevin", "", SQUARE, LANGEVIN, dtype="float32"),
    "gradient": Case("gradient", "", SQUARE, GRADIENT, dtype="float32"),
    "sgd": Case("sgd", "", (4, 10, 10, 10, 4), SGD, samples=16, dtype="float32"),
}
GOALS = {
    "langevin": "20 times JAX",
    "gradient": "20 times JAX",
    "sgd": "1e9 trajectory-steps/s",
    "linear": "8,388,608 trajectories x 256 steps in 0.05 s",
    "normals": "2e11 normals/s",
}


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
}
DRY = {name: Size(4, 16 if name == "sgd" else 4) for name in SIZES}


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


def roofline(work, device):
    """Return trajectory-steps per second at one instruction per lane and cycle."""
    instructions = work.flops / 2 + work.updates + NORMAL_INSTRUCTIONS * work.normals
    return device["multiprocessors"] * LANES * device["clock_hz"] / instructions


def occupancy(registers, threads, shared):
    """Return the fraction of 64 warps per multiprocessor with 65536 registers and 228 KiB of shared memory.

    Registers are allocated in units of 256 per warp, shared memory in units of 1 KiB per block, plus 1 KiB.
    """
    warps = -(-threads // 32)
    by_registers = 65536 // (-(-max(registers, 1) * 32 // 256) * 256 * warps)
    by_shared = 228 * 1024 // (-(-(shared + 1024) // 1024) * 1024)
    return min(64, warps * min(32, by_registers, by_shared)) / 64


def measure(study, work, device, repeats):
    """Return kernel and end-to-end rates, registers, occupancy, and fraction of the roofline of a study."""
    problem = build_problem(study)
    lowered = lower(study, MODEL, problem)
    count, steps = study.trajectories, study.time.steps
    begin = beginning(study, lowered, 0, count, None)
    with Resident(study, lowered, default_threads(), 0, count, begin) as resident:
        resident.kernel_seconds(1)
        kernel = min(resident.kernel_seconds(steps) for _ in range(repeats))
        takes, where = resident.takes(), resident.where
    whole = []
    for _ in range(repeats):
        begun = time.perf_counter()
        integrate(study, MODEL, 0, count, problem=problem, device="cuda")
        whole.append(time.perf_counter() - begun)
    rate = count * steps / kernel
    return {
        "trajectories": count,
        "steps": steps,
        "memory": where,
        "kernel_seconds": kernel,
        "whole_seconds": min(whole),
        "kernel_rate": rate,
        "whole_rate": count * steps / min(whole),
        **takes,
        "occupancy": occupancy(**takes),
        "roofline_share": rate / roofline(work, device),
    }


def normals(size, device):
    """Return the rate of `float32` normals per second, drawn and added up without storing them."""
    from fastsde.kernels import cuda
    from fastsde.kernels.gpu.jobs import Draw

    study = linear_study(size)
    lowered = lower(study, MODEL, build_problem(study))
    numbers = lowered.network.parameters
    program = devices.model_program(study, lowered, "local")
    state = cuda.put(np.zeros((size.trajectories, numbers), np.float32, order="F"))
    stream, _ = cuda.streams()

    def work(steps):
        program.launch("draw", size.trajectories, Draw(state, 0, steps, lowered.key), stream)

    work(1)
    taken = cuda.device_seconds(lambda: work(size.steps), stream)
    drawn = 4 * -(-numbers // 4)  # a call of Philox generates four, not all of which are used
    rate = size.trajectories * size.steps * numbers / taken
    roof = device["multiprocessors"] * LANES * device["clock_hz"] / NORMAL_INSTRUCTIONS
    return {"normals_rate": rate, "drawn_rate": rate * drawn / numbers, "roofline_share": rate / roof}


def jax_seconds(case, size):
    """Return the time of JAX for a case on its default device; None if JAX is not installed."""
    if importlib.util.find_spec("jax") is None:
        return None
    import jax

    from bench.peers import jax_peer
    from bench.setting import setting_of

    jax_peer.BATCHES = (size.trajectories,)
    best = {}
    setting = setting_of(case, size.trajectories, size.steps)
    for name, run in jax_peer.variants(setting).items():
        run(0)
        begun = time.perf_counter()
        run(1)
        best[name] = time.perf_counter() - begun
    name = min(best, key=best.get)
    return {"seconds": best[name], "variant": name, "device": str(jax.devices()[0])}


def run(sizes, wanted, with_jax, repeats):
    """Return the results of all requested cases, by name."""
    from fastsde.kernels import cuda

    device = cuda.describe()
    results = {"device": device}
    for name in wanted:
        size = sizes[name]
        print(f"{name}: {size.trajectories} trajectories x {size.steps} steps", file=sys.stderr)
        if name == "normals":
            results[name] = normals(size, device)
        elif name == "linear":
            results[name] = measure(linear_study(size), Work(flops=12, normals=3, updates=3), device, repeats)
        else:
            study = NETWORKS[name].study(size.steps).replace(trajectories=size.trajectories)
            work = step_work(study, MODEL, build_problem(study))
            results[name] = measure(study, work, device, repeats)
            theirs = jax_seconds(NETWORKS[name], size) if with_jax else None
            if theirs is not None:
                results[name] |= {"jax": theirs, "ratio": theirs["seconds"] / results[name]["whole_seconds"]}
        results[name]["goal"] = GOALS[name]
    return results


def table(results):
    """Return the figures as text."""
    lines = [f"device: {results['device']}"]
    for name, figures in results.items():
        if name != "device":
            lines.append(f"{name} (goal: {figures['goal']})")
            lines += [f"  {key:16s} {_text(value)}" for key, value in figures.items() if key != "goal"]
    return "\n".join(lines)


def _text(value):
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def main(arguments=None):
    """Measure, print, and write JSON; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.gpu", description=__doc__)
    parser.add_argument("--dry", action="store_true", help="only a few trajectories, as a test")
    parser.add_argument("--cases", nargs="+", choices=tuple(SIZES), default=tuple(SIZES), metavar="NAME")
    parser.add_argument("--no-jax", action="store_true", help="measure only fastsde")
    parser.add_argument("--repeats", type=int, default=3, metavar="N", help="best of N runs (default: 3)")
    parser.add_argument("--output", type=Path, default=Path("bench/results/gpu.json"), metavar="FILE")
    given = parser.parse_args(arguments)
    why = devices.unusable()
    if why is not None:
        print(DeviceError(f"no GPU can be used: {why}"), file=sys.stderr)
        return 2
    results = run(DRY if given.dry else SIZES, given.cases, not given.no_jax, given.repeats)
    given.output.parent.mkdir(parents=True, exist_ok=True)
    given.output.write_text(json.dumps(results, indent=2) + "\n")
    print(table(results))
    return 0


if __name__ == "__main__":
    sys.exit(main())
