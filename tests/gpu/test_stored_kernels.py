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
from numba.cuda.cudadrv.devicearray import DeviceNDArray

from fastsde.integrate.gpu import programs
from fastsde.integrate.gpu.ahead import are_stored, launched, store_programs
from fastsde.integrate.gpu.host_jobs import host_job
from fastsde.integrate.gpu.placements import memory_class
from fastsde.integrate.lowering import lower
from fastsde.kernels import options
from fastsde.kernels.gpu import launching, stored
from fastsde.problem.data import build_problem

CAPABILITY, TARGET = (9, 0), (9, 0, "a")


@pytest.fixture
def absent(monkeypatch, tmp_path):
    """A device that is not there."""
    device = SimpleNamespace(compute_capability=CAPABILITY, id=0)
    monkeypatch.setattr(options, "CACHE_FOLDER", tmp_path)
    monkeypatch.setattr(programs, "_PROGRAMS", {})
    monkeypatch.setattr(dispatcher, "get_current_device", lambda: device)
    monkeypatch.setattr(launching.cuda, "get_current_device", lambda: device)
    monkeypatch.setattr(CUDACodeLibrary, "_ensure_cc", lambda self, cc: TARGET)
    monkeypatch.setattr(dispatcher._Kernel, "bind", lambda self: self._codelibrary.get_cubin())


def fresh(task="draw", name="quadratic", **more):
    """The dispatcher of a program that a new process would make, and the types that it is called with."""
    study = cases.case(name, "float32", **more)
    low = lower(study, "m", build_problem(study))
    programs._PROGRAMS.clear()
    program = programs.model_program(study, low, memory_class(low, study.dtype))
    job = host_job(study, low, task)
    return launching.launchable(program.function(task)), (numba.int64, numba.typeof(job)), job


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


@pytest.fixture
def folder(monkeypatch, tmp_path):
    monkeypatch.setattr(options, "CACHE_FOLDER", tmp_path)
    monkeypatch.setattr(programs, "_PROGRAMS", {})
    return tmp_path / "cuda"


def test_what_is_compiled_ahead_without_a_device_is_what_a_run_launches(folder, monkeypatch):
    """Of a device there is nothing while compiling ahead: what asks for one fails."""
    study = cases.case("quadratic", "float32")
    problem = build_problem(study)
    low = lower(study, "m", problem)
    count = sum(store_programs(study, "m", CAPABILITY, problem, share=(number, 3)) for number in range(3))
    transposes = 2 * (1 + (low.passages > 0))
    assert count == len(list(launched(study, "m", problem, low))) + transposes == len(list(folder.iterdir()))
    assert store_programs(study, "m", CAPABILITY, problem) == 0
    assert are_stored(study.replace(seed=7), "m", CAPABILITY)
    assert not are_stored(study.replace(dtype="float64"), "m", CAPABILITY)
    assert store_programs(study.replace(seed=7), "m", CAPABILITY) == 0  # numbers differ, not the code


def test_a_launch_finds_what_was_compiled_ahead(absent):
    study = cases.case("quadratic", "float32")
    assert store_programs(study, "m", CAPABILITY) > 0

    def never(*args, **more):
        raise AssertionError("compiled again")

    with mock.patch.object(dispatcher, "compile_cuda", never):
        made, _, job = fresh("advance")
        kinds = tuple(made.typeof_pyval(value) for value in (4, on_device(job)))
        made.compile(kinds)
        assert made._cache.loaded == 1
        made, _, job = fresh("draw")  # which no run launches
        kinds = tuple(made.typeof_pyval(value) for value in (4, on_device(job)))
        with pytest.raises(AssertionError, match="compiled again"):
            made.compile(kinds)


def on_device(value):
    """A job of arrays as a device has them; the memory is missing."""
    if hasattr(value, "_fields"):
        return type(value)(*map(on_device, value))
    if not hasattr(value, "strides") or not value.ndim:
        return value
    device = SimpleNamespace(get_context=lambda: None)
    nowhere = SimpleNamespace(MemoryPointer=lambda **more: None, memory_size_from_info=lambda *a: 0)
    nowhere.binding = SimpleNamespace(CUdeviceptr=int)
    where = "numba.cuda.cudadrv.devicearray"
    with mock.patch(f"{where}._driver", nowhere), mock.patch(f"{where}.devices", device):
        return DeviceNDArray(value.shape, value.strides, value.dtype, gpu_data=object())


@pytest.mark.parametrize("name", ["sgd", "gradient stable", "quadratic"])
@pytest.mark.parametrize("task", ["advance", "look", "measure_trace", "noise", "start"])
def test_jobs_of_the_host_have_the_types_of_those_on_a_device(name, task):
    study = cases.case(name, "float32")
    job = host_job(study, lower(study, "m", build_problem(study)), task)
    made = launching.launchable(lambda count, job: None)
    assert str(made.typeof_pyval(job)) == str(made.typeof_pyval(on_device(job)))


def _on_device(array):
    layout = SimpleNamespace(strides_in_bytes=array.strides, is_contiguous_c=False, is_contiguous_f=False)
    there = SimpleNamespace(size=array.size, dtype=array.dtype, ptr=1, shape=array.shape, _layout=layout)
    return SimpleNamespace(to_device=lambda retr, stream: there)
