"""Compiled programs on disk, as far as that can be seen without a device: stored, found, and launchable.

A device does what is replaced here: it binds code to a context, and takes the arguments.
"""

import ctypes
import os
import re
from types import SimpleNamespace
from unittest import mock

import cases
import numba
import pytest

pytest.importorskip("numba_cuda", reason="numba-cuda compiles for devices")
if os.environ.get("NUMBA_ENABLE_CUDASIM") == "1":
    pytest.skip("the simulator compiles nothing", allow_module_level=True)

from numba.cuda import dispatcher
from numba.cuda.codegen import CUDACodeLibrary

from fastsde.integrate import devices
from fastsde.integrate.cuda_measurements import host_job
from fastsde.integrate.lowering import lower
from fastsde.kernels import cuda, options
from fastsde.kernels.gpu import stored
from fastsde.problem.data import build_problem

TARGET = (9, 0, "a")


@pytest.fixture
def absent(monkeypatch, tmp_path):
    """A device that is not there."""
    device = SimpleNamespace(compute_capability=(9, 0), id=0)
    monkeypatch.setattr(options, "CACHE_FOLDER", tmp_path)
    monkeypatch.setattr(devices, "_PROGRAMS", {})
    monkeypatch.setattr(dispatcher, "get_current_device", lambda: device)
    monkeypatch.setattr(cuda.cuda, "get_current_device", lambda: device)
    monkeypatch.setattr(CUDACodeLibrary, "_ensure_cc", lambda self, cc: TARGET)
    monkeypatch.setattr(dispatcher._Kernel, "bind", lambda self: self._codelibrary.get_cubin())


def fresh(task="draw", name="quadratic", **more):
    """The dispatcher of a program that a new process would make, and the types that it is called with."""
    study = cases.case(name, "float32", **more)
    low = lower(study, "m", build_problem(study))
    devices._PROGRAMS.clear()
    program = devices.model_program(study, low, devices.memory_class(low, study.dtype))
    job = host_job(study, low, task)
    return cuda._launchable(program.function(task)), (numba.int64, numba.typeof(job)), job


def image(kernel):
    ((_, code),) = kernel._codelibrary._cubin_cache.items()
    return bytes(code.code)


def test_a_program_is_compiled_once_and_loaded_from_then_on(absent, monkeypatch):
    made, kinds, job = fresh("advance")
    first = made.compile(kinds)
    assert made._cache.loaded == 0
    kept = list((options.CACHE_FOLDER / "cuda").iterdir())
    assert len(kept) == 1

    def never(*args, **more):
        raise AssertionError("compiled again")

    with mock.patch.object(dispatcher, "compile_cuda", never):
        again, kinds, _ = fresh("advance", seed=9)  # numbers differ, not the code
        second = again.compile(kinds)
        assert again._cache.loaded == 1
    assert image(first) == image(second)
    assert first.entry_name == second.entry_name
    assert first.argument_types == second.argument_types == kinds
    _check_arguments(first.inspect_asm(TARGET), second, (4, job))


def test_what_is_broken_or_refused_is_compiled_again(absent, monkeypatch):
    made, kinds, _ = fresh()
    made.compile(kinds)
    kept = list((options.CACHE_FOLDER / "cuda").iterdir())
    kept[0].write_bytes(kept[0].read_bytes()[:-9])
    repaired, kinds, _ = fresh()
    third = repaired.compile(kinds)
    assert repaired._cache.loaded == 0
    assert stored.read(kept[0].stem)[1] == image(third)

    monkeypatch.setattr(dispatcher._Kernel, "bind", _refusing(dispatcher._Kernel.bind))
    refused, kinds, _ = fresh()
    refused.compile(kinds)
    assert refused._cache.loaded == 0


def _refusing(bind):
    """A driver that refuses the first code it is given."""
    calls = []

    def bind_second(self):
        calls.append(1)
        if len(calls) == 1:
            raise RuntimeError("CUDA_ERROR_NO_BINARY_FOR_GPU")
        return bind(self)

    return bind_second


def _check_arguments(ptx, kernel, values):
    """The arguments that a loaded kernel is launched with are those that its code declares, size by size."""
    entry = ptx[ptx.index(".entry") :]
    declared = re.findall(r"\.param \.(?:align \d+ \.)?[a-z](\d+) ", entry[: entry.index(")\n{")])
    with mock.patch.object(dispatcher, "wrap_arg", _on_device):
        given = []
        for kind, value in zip(kernel.argument_types, values, strict=True):
            kernel._prepare_args(kind, value, 0, [], given)
    sizes = [
        8 * (1 if isinstance(x, bool) else ctypes.sizeof(x) if hasattr(x, "value") else 8) for x in given
    ]
    assert sizes == [int(bits) for bits in declared]


def _on_device(array):
    layout = SimpleNamespace(strides_in_bytes=array.strides, is_contiguous_c=False, is_contiguous_f=False)
    there = SimpleNamespace(size=array.size, dtype=array.dtype, ptr=1, shape=array.shape, _layout=layout)
    return SimpleNamespace(to_device=lambda retr, stream: there)
