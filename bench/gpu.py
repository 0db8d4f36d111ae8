"""``python -m bench.gpu``: the speed of the kernels on a GPU, compared with JAX on the same GPU.

For each case: the time of the kernel alone (device events) and of a whole run from the study to its files
(host clock) with where it goes, registers and occupancy, and the fraction of the roofline. The roofline
counts the instructions of a lane, half the flop and 45 per normal (Philox 18, Box-Muller 27), at one
instruction per lane and cycle. Programs are compiled before, all at once in processes of their own; the time
of that is listed as that of a first launch. JAX runs `bench.peers.jax_peer` after all cases, with its fastest
generator and all trajectories in one batch, until the states are on the host.

Each case is printed and written as it ends; a signal or ``--limit`` stops the rest. ``--check`` compares
every case of tests/gpu/cases.py with the CPU instead (`bench.gpu_check`). ``--dry`` does either with a few
trajectories, also in numba's simulator.
"""

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

from bench import gpu_check
from bench.gpu_cases import DRY, GOALS, SIZES, WITH_JAX, measure_case, occupancy, roofline
from bench.gpu_jobs import Clock, Stopped, listen, results
from fastsde.integrate import devices
from fastsde.system.errors import DeviceError

__all__ = ["GOALS", "main", "occupancy", "roofline"]

JAX_MEMORY = {"XLA_PYTHON_CLIENT_PREALLOCATE": "false"}
"""JAX takes memory as it needs it, and leaves the rest."""


class Report:
    """What is known so far: printed and written whenever there is something new."""

    def __init__(self, path, found):
        self.path, self.found = path, found

    def add(self, name, figures):
        """Take the figures of a case."""
        self.found.setdefault(name, {}).update(figures)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(json.dumps(self.found, indent=2) + "\n")

    def tell(self, name):
        """Print a case."""
        print(text_of(name, self.found[name]), flush=True)


def text_of(name, figures):
    """Return the figures of a case as text."""
    goal = f" (goal: {figures['goal']})" if "goal" in figures else ""
    return "\n".join(
        [f"{name}{goal}", *(f"  {key:18s} {_text(value)}" for key, value in figures.items() if key != "goal")]
    )


def _text(value):
    if isinstance(value, dict):
        return ", ".join(f"{key} {_text(one)}" for key, one in value.items())
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def first_launches(report, names, clock, workers):
    """Compile all programs, several at a time, and measure the first launch without and with them on disk."""
    with tempfile.TemporaryDirectory() as empty:
        command = {"cold": ["bench.gpu_one", "first", names[0]]}
        for _, found in results(command, 1, clock, {"NUMBA_CACHE_DIR": empty}):
            report.add("first launch", {f"{names[0]}, cold": found})
    programs = {name: ["bench.gpu_one", "first", name] for name in names if name != "normals"}
    for name, found in results(programs, workers, clock):
        report.add("first launch", {f"{name}, beside others": found})
    command = {"kept": ["bench.gpu_one", "first", names[0]]}
    for _, found in results(command, 1, clock):
        report.add("first launch", {f"{names[0]}, from the cache on disk": found})
    report.tell("first launch")


def measure(report, sizes, names, given, clock):
    """Measure cases one after the other, and then JAX, which takes long to compile."""
    device = report.found["device"]
    for name in names:
        if clock.left <= 0:
            report.add(name, {"failed": "no time left", "goal": GOALS[name]})
        else:
            size = sizes[name]
            report.add(name, {"goal": GOALS[name]})
            try:
                report.add(name, measure_case(name, size, device, given.repeats))
            except Stopped:
                raise
            except Exception as error:  # the other cases are measured all the same
                report.add(name, {"failed": f"{type(error).__name__}: {error}"})
        report.tell(name)
    for name in names:
        if name in WITH_JAX and not given.no_jax and "whole_seconds" in report.found[name]:
            _with_jax(report, name, sizes[name], clock)
            report.tell(name)


def _with_jax(report, name, size, clock):
    command = ["bench.gpu_one", "jax", name, str(size.trajectories), str(size.steps)]
    for _, theirs in results({name: command}, 1, clock, JAX_MEMORY):
        report.add(name, {"jax": theirs})
        if "seconds" in theirs:
            report.add(name, {"ratio": theirs["seconds"] / report.found[name]["whole_seconds"]})


def check(report, given, clock, workers):
    """Compare the cases of the tests with the CPU; returns the names of those that disagree."""
    wrong = []
    commands = gpu_check.commands(given.dry, given.cases or (("langevin",) if given.dry else ()))
    for name, found in results(commands, workers, clock):
        report.add(name, {**found, "wrong": gpu_check.verdict(found)})
        print(gpu_check.line(name, found), flush=True)
        if gpu_check.verdict(found):
            wrong.append(name)
    same = len(commands) - len(wrong)
    print(f"{same} of {len(commands)} agree, in {clock.spent:.0f} s" + (f"; not {wrong}" if wrong else ""))
    return wrong


def _arguments(arguments):
    parser = argparse.ArgumentParser(prog="python -m bench.gpu", description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare with the CPU instead of measuring")
    parser.add_argument("--dry", action="store_true", help="only a few trajectories, as a test")
    parser.add_argument("--cases", nargs="+", metavar="NAME", help=f"some of {', '.join(SIZES)}")
    parser.add_argument("--no-jax", action="store_true", help="measure only fastsde")
    parser.add_argument("--no-first", action="store_true", help="do not measure first launches")
    parser.add_argument("--repeats", type=int, default=2, metavar="N", help="best of N runs (default: 2)")
    parser.add_argument("--workers", type=int, metavar="N", help="processes that compile at a time")
    parser.add_argument(
        "--limit",
        type=float,
        default=480.0,
        metavar="SECONDS",
        help="begin nothing after that (default: 480)",
    )
    parser.add_argument("--output", type=Path, metavar="FILE", help="default: bench/results/gpu.json")
    return parser.parse_args(arguments)


def main(arguments=None):
    """Measure or check, print, and write JSON; returns the exit code."""
    given, clock = _arguments(arguments), None
    why = devices.unusable()
    if why is not None:
        print(DeviceError(f"no GPU can be used: {why}"), file=sys.stderr)
        return 2
    from fastsde.kernels.gpu import driver

    clock = Clock(given.limit)
    listen()
    default = "gpu_check.json" if given.check else "gpu.json"
    report = Report(given.output or Path("bench/results") / default, {"device": driver.describe()})
    workers = given.workers or len(os.sched_getaffinity(0))
    print(f"device: {report.found['device']}", flush=True)
    try:
        if given.check:
            return 1 if check(report, given, clock, workers) else 0
        sizes = DRY if given.dry else SIZES
        names = [name for name in sizes if not given.cases or name in given.cases]
        if not given.no_first:
            first_launches(report, names, clock, workers)
        measure(report, sizes, names, given, clock)
    except Stopped as signal:
        report.add("stopped", {"signal": str(signal), "after": clock.spent})
        print(f"stopped by {signal}; what is known is in {report.path}", file=sys.stderr)
        return 1
    return int(any("failed" in report.found[name] for name in names))


if __name__ == "__main__":
    sys.exit(main())
