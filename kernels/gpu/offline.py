"""Kernels compiled for a compute capability of which no device need be there: as PTX, and for the disk.

Needs the toolkit, but no driver, and makes no context. What numba-cuda asks of a device is answered for it
while it compiles, in the whole process: where a device computes, another process has to do this.
"""

from contextlib import ExitStack, contextmanager
from types import SimpleNamespace
from unittest import mock

import numba
import numpy as np
from numba import cuda

from fastsde.kernels.gpu.loops import GLOBAL_MEMORY
from fastsde.kernels.gpu.stored import Stored

__all__ = ["arguments", "compile_kernel", "has_kernel", "store_kernel"]


def compile_kernel(program, task, job, capability=(9, 0)):
    """Return the PTX of a task for a compute capability.

    Parameters
    ----------
    program : fastsde.kernels.cuda.Program
    task : str
        Of `fastsde.kernels.gpu.tasks.TASKS`.
    job : named tuple
        It may hold host arrays: only their types count.
    capability : tuple of int
    """
    kinds = tuple(numba.typeof(value) for value in arguments(program, job))
    with device_of(capability):
        ptx, _ = cuda.compile(
            program.function(task), kinds, cc=capability, device=False, abi="numba", output="ptx"
        )
    return ptx


def store_kernel(function, values, capability):
    """Compile a kernel and keep its code on disk, where launching finds it; return whether it was not there.

    Parameters
    ----------
    function : callable
        The kernel as a Python function.
    values : tuple
        Of its arguments: only their types count.
    capability : tuple of int
    """
    from numba.cuda.dispatcher import _Kernel

    kept, made, kinds = _kept(function, values, capability)
    if kept.has(kinds):
        return False
    with device_of(capability):
        kernel = _Kernel(function, kinds, **made.targetoptions)
        kernel._codelibrary.get_cubin()
    kept.save_overload(kinds, kernel)
    return True


def has_kernel(function, values, capability):
    """Return whether a kernel's code is on disk; parameters are those of `store_kernel`."""
    kept, _, kinds = _kept(function, values, capability)
    return kept.has(kinds)


def _kept(function, values, capability):
    """Return where a kernel's code is kept, its dispatcher, and the types of its arguments."""
    made = cuda.jit(function)
    return Stored(function, lambda: capability), made, tuple(made.typeof_pyval(value) for value in values)


def arguments(program, job):
    """Return values of the types that a kernel is launched with."""
    if program.where not in GLOBAL_MEMORY:
        return 1, job
    return 1, job, np.empty((2, 2), program.dtype), np.empty((2, 2), np.int32)


@contextmanager
def device_of(capability):
    """Let numba-cuda compile as if the current device had a compute capability."""
    from numba.cuda import dispatcher
    from numba.cuda.codegen import CUDACodeLibrary

    device = SimpleNamespace(compute_capability=tuple(capability))
    target = (*capability, "a" if tuple(capability) >= (9, 0) else "")  # as `_ensure_cc` has it of a device
    with ExitStack() as stack:
        stack.enter_context(mock.patch.object(dispatcher, "get_current_device", return_value=device))
        stack.enter_context(
            mock.patch.object(CUDACodeLibrary, "_ensure_cc", lambda self, cc: target if cc is None else cc)
        )
        yield
