"""Kernels compiled for devices that are not there: what the simulator cannot see, types and registers.

The whole table (every case, task, capability and precision) takes an hour: FASTSDE_TESTS=all asks for it.
"""

import math
import os

import cases
import numpy as np
import pytest
from landscape_studies import landscape_study

import fastsde
from fastsde.benchmark.cases import GRADIENT, LANGEVIN, SGD
from fastsde.study.study import Study

ptx = pytest.importorskip("fastsde.integrate.ptx")
pytest.importorskip("numba_cuda", reason="numba-cuda compiles for devices")
if os.environ.get("NUMBA_ENABLE_CUDASIM") == "1":
    pytest.skip("the simulator compiles nothing", allow_module_level=True)

WHOLE = os.environ.get("FASTSDE_TESTS") == "all"
CAPABILITIES = ((8, 0), (9, 0))
DTYPES = ("float32", "float64")
DOUBLE = {
    "gradient stable", "gradient components", "tempered", "truncated", "jumps", "fractional time",
    "fresh student", "fresh stable", "cosine gradient", "cosine sgd momentum", "mueller-brown",
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


@pytest.mark.parametrize("task", ["measure", "noise", "curve", "start", "draw"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_every_task_compiles(task, dtype):
    source = ptx.ptx(cases.case("sgd", dtype), "m", task, where="global")
    assert (dtype == "float32") == (in_double(source) == [])


@pytest.mark.parametrize("where", ["local", "team", "global"])
def test_every_class_of_memory_compiles(where):
    source = ptx.ptx(cases.case("langevin", "float32"), "m", where=where)
    assert in_double(source) == []
    assert ("bar.sync" in source) == (where == "team")


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


@pytest.mark.parametrize("capability", CAPABILITIES)
@pytest.mark.parametrize("name", MAIN)
def test_registers_spills_and_shared_memory_of_the_main_cases(name, capability, record_property):
    if ptx.find_ptxas() is None:
        pytest.skip("no ptxas: pip install nvidia-cuda-nvcc")
    source = ptx.ptx(main_case(name), "m", capability=capability)
    usage = ptx.assemble(source, capability)
    record_property("usage", str(usage))
    assert usage.registers <= 128
    assert usage.spilled == usage.stack == 0
    assert in_double(source) == []


def logistic(theta, sample, gradient):
    slope = -sample[1] / (1.0 + math.exp(sample[1] * theta[0] * sample[0]))
    gradient[0] += slope * sample[0]
    return math.log1p(math.exp(-sample[1] * theta[0] * sample[0]))


def test_a_loss_of_ones_own_compiles_and_single_precision_stays_single():
    landscape = fastsde.objective(logistic, np.ones((3, 2)), parameters=1)
    source = ptx.ptx(landscape_study(landscape, {"kind": "sgd", "batch": 1}, dtype="float32"), "m")
    assert in_double(source) == []
