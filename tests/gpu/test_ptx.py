"""Kernels compiled for devices that are not there: what the simulator cannot see, types and registers.

The whole table (every case, task, capability and precision) takes an hour: FASTSDE_TESTS=all asks for it.
"""

import math
import os
import sys
from pathlib import Path

import cases
import numpy as np
import pytest
from landscape_studies import landscape_study

import fastsde
from fastsde.benchmark.cases import GRADIENT, LANGEVIN, SGD
from fastsde.integrate.gpu.ahead import launched
from fastsde.integrate.gpu.host_jobs import host_job
from fastsde.integrate.gpu.placements import placement
from fastsde.integrate.lowering import lower
from fastsde.kernels import lanes
from fastsde.kernels.gpu import products, simulator, thread
from fastsde.kernels.gpu.arguments import frozen
from fastsde.kernels.gpu.placement import limit_of
from fastsde.kernels.gpu.rebind import Rebinding
from fastsde.kernels.gpu.tasks import TASKS
from fastsde.problem.data import build_problem
from fastsde.study.study import Study

sys.path.insert(0, str(Path(__file__).parents[2]))

from bench import machine

ptx = pytest.importorskip("fastsde.integrate.gpu.ptx")
pytest.importorskip("numba_cuda", reason="numba-cuda compiles for devices")
if os.environ.get("NUMBA_ENABLE_CUDASIM") == "1":
    pytest.skip("the simulator compiles nothing", allow_module_level=True)


WHOLE = os.environ.get("FASTSDE_TESTS") == "all"
CAPABILITIES = ((8, 0), (9, 0))
DTYPES = ("float32", "float64")
DOUBLE = {
    "gradient stable", "anisotropic stable", "gradient components", "tempered", "truncated", "jumps",
    "fractional time", "fresh student", "fresh stable", "cosine gradient", "cosine sgd momentum",
    "mueller-brown", "underdamped",
}  # fmt: skip
"""Cases that compute in float64 on processors too."""


def table():
    """Return case, capability and precision: all, or some cases once in turn."""
    if WHOLE:
        return [(name, c, d) for name in cases.ALL for c in CAPABILITIES for d in DTYPES]
    return [(name, CAPABILITIES[i % 2], DTYPES[i // 2 % 2]) for i, name in enumerate(cases.SOME)]


def in_double(source):
    """Instructions on float64 numbers."""
    return [line for line in source.splitlines() if ".f64" in line]


@pytest.mark.parametrize(("name", "capability", "dtype"), table())
def test_every_case_compiles_and_single_precision_stays_single(name, capability, dtype):
    source = ptx.ptx(cases.case(name, dtype), "m", capability=capability)
    assert f".target sm_{capability[0]}{capability[1]}" in source
    if dtype == "float32" and name not in DOUBLE:
        assert in_double(source) == []


@pytest.mark.parametrize("task", ["measure", "measure_trace", "noise", "curve", "start", "draw"])
@pytest.mark.parametrize("dtype", [pytest.param(d, marks=pytest.mark.xdist_group(d)) for d in DTYPES])
def test_every_task_compiles(task, dtype):
    source = ptx.ptx(cases.case("sgd", dtype), "m", task, where="global")
    assert (dtype == "float32") == (in_double(source) == [])


@pytest.mark.parametrize("name", cases.ALL if WHOLE else ("monkey-saddle",))
def test_everything_that_a_run_launches_compiles(name):
    """A landscape has no samples, which the code of measurements must not ask for."""
    study = cases.case(name, "float32")
    problem = build_problem(study)
    for task, where, _ in launched(study, "m", problem, lower(study, "m", problem), limit_of((9, 0))):
        assert ".entry" in ptx.ptx(study, "m", task, where=where)


@pytest.mark.parametrize("where", ["local", "block", "team", "global"])
def test_every_class_of_memory_compiles(where):
    source = ptx.ptx(cases.case("langevin", "float32"), "m", where=where)
    assert in_double(source) == []
    waits = "bar.sync" in source or "barrier.sync" in source
    assert waits == (where in {"block", "team"})


SQUARE = (10, 10, 10, 10)
MAIN = {
    "langevin": (SQUARE, "population", LANGEVIN),
    "gradient": (SQUARE, "population", GRADIENT),
    "sgd": ((4, 10, 10, 10, 4), 16, SGD),
}


def main_case(name):
    widths, samples, model = MAIN[name]
    return Study.from_mapping(
        {
            "trajectories": 1,
            "dtype": "float32",
            "network": {"widths": list(widths), "init": {"std": 0.3}},
            "data": {"samples": samples, "teacher": {"singular_values": [2.0, 1.0]}},
            "time": {"learning_rate": 0.01, "steps": 100},
            "models": {"m": model},
        }
    )


GROUPED = [pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in MAIN]
"""Tests of a main case are one process's, which compiles it once."""
MOST_LOADS = {"langevin": 0.5, "gradient": 0.5, "sgd": 0.7}
"""Reads of shared memory per multiply-add of a program at most; a product of dot products has 2."""


def sources(name, capability, made={}):  # noqa: B006 - compiled once for all tests
    key = name, capability
    if key not in made:
        made[key] = ptx.ptx(main_case(name), "m", capability=capability)
    return made[key]


@pytest.mark.parametrize("capability", CAPABILITIES if WHOLE else CAPABILITIES[1:])
@pytest.mark.parametrize("name", GROUPED)
def test_registers_spills_and_reads_of_shared_memory_of_the_main_cases(name, capability, record_property):
    source = sources(name, capability)
    loads, products = source.count("ld.shared.f32"), source.count("fma.rn.f32")
    assert loads <= MOST_LOADS[name] * products
    assert in_double(source) == []
    if ptx.find_ptxas() is None:
        pytest.skip("no ptxas: pip install nvidia-cuda-nvcc")
    usage = ptx.assemble(source, capability)
    record_property("usage", str(usage))
    assert usage.registers <= 128
    assert usage.spilled == 0
    assert usage.stack == 0 or name == "sgd"  # what is looked at when passages are due


def lowered_case(name):
    study = main_case(name)
    return study, lower(study, "m", build_problem(study))


def start_of(low, count):
    """A job of a few steps, of which the first looks for passages."""
    rng = np.random.default_rng(4)
    state = np.asfortranarray(rng.normal(0.0, 0.3, (count, low.network.parameters)).astype(np.float32))
    passed = np.full((count, low.passages), -1, np.int64, order="F")
    return state, np.full(count, -1), passed


def job_of(study, low, state, diverged, passed, steps):
    job = host_job(study, low, "advance")
    rows = np.arange(len(state))
    given = {"state": state, "diverged": diverged, "passed": passed, "rows": rows}
    return job._replace(**given, trajectory=5, start=0, steps=steps)


def run_warp(source, low, job, count):
    """Run the first warp of a kernel."""
    place = placement(low, "float32", limit_of((9, 0)))
    warp = machine.Warp(source, place.bytes * place.warps)
    return warp.run([np.int64(count), *machine.flat_arguments(job)], warps=place.warps)


def run_plainly(low, job, count):
    """The same by the kernels as Python functions, a trajectory at a time."""

    def same(function):
        return function

    own = {lanes.fma: products.fma, lanes.select: simulator.select, math: simulator.ArrayMath}
    table, doubles, _ = thread.primitives(np.float32, same, own)
    constants = {"NET": frozen(low.network), "PLAN": None, "NUMBERS": job.state.shape[1], "TRACE": 0}
    binding = Rebinding(table, doubles, same, np.float32, low.data, low.dynamics, constants)
    advance = binding.bind(TASKS["advance"])
    with np.errstate(all="ignore"):
        for t in range(count):
            advance(np.zeros(low.network.size, np.float32), np.zeros(low.choice, np.int32), t, job)


@pytest.mark.parametrize("name", GROUPED)
def test_a_warp_of_what_was_compiled_computes_what_the_kernels_say(name):
    """The machine refuses races, barriers of a part of the warp, and accesses outside of arrays."""
    count, steps = 6, 2  # fewer trajectories than a warp has
    study, low = lowered_case(name)
    here, there = start_of(low, count), start_of(low, count)
    run = run_warp(sources(name, (9, 0)), low, job_of(study, low, *there, steps), count)
    run_plainly(low, job_of(study, low, *here, steps), count)
    assert np.abs(here[0] - start_of(low, count)[0]).max() > 1e-3
    np.testing.assert_allclose(there[0], here[0], rtol=2e-6, atol=2e-6)
    np.testing.assert_array_equal(there[1], here[1])
    np.testing.assert_array_equal(there[2], here[2])
    if name != "sgd":  # whose lanes each read a sample of their own
        assert run.wavefronts <= 1.02 * run.of("ld.shared", "st.shared")  # hardly two lanes meet in a bank


@pytest.mark.xdist_group("langevin")
def test_the_machine_sees_a_barrier_that_is_missing():
    study, low = lowered_case("langevin")
    source = sources("langevin", (9, 0)).replace("bar.warp.sync", "//bar.warp.sync")
    with pytest.raises(machine.Fault, match="without waiting"):
        run_warp(source, low, job_of(study, low, *start_of(low, 8), 1), 8)


@pytest.mark.xdist_group("langevin")
def test_the_machine_sees_memory_that_is_too_small():
    study, low = lowered_case("langevin")
    source = sources("langevin", (9, 0))
    with pytest.raises(machine.Fault, match="access at bytes"):
        machine.Warp(source, 1000).run(
            [np.int64(8), *machine.flat_arguments(job_of(study, low, *start_of(low, 8), 1))]
        )


def logistic(theta, sample, gradient):
    slope = -sample[1] / (1.0 + math.exp(sample[1] * theta[0] * sample[0]))
    gradient[0] += slope * sample[0]
    return math.log1p(math.exp(-sample[1] * theta[0] * sample[0]))


def test_a_loss_of_ones_own_compiles_and_single_precision_stays_single():
    landscape = fastsde.objective(logistic, np.ones((3, 2)), parameters=1)
    source = ptx.ptx(landscape_study(landscape, {"kind": "sgd", "batch": 1}, dtype="float32"), "m")
    assert in_double(source) == []
