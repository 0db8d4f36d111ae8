"""The kernels on NVIDIA GPUs, through numba's CUDA target: the only file that imports it.

With ``NUMBA_ENABLE_CUDASIM=1`` the same copies of the kernels run as plain Python.
"""

import math
import time
from contextlib import contextmanager
from functools import cache
from unittest import mock

import numba
import numpy as np
from numba import cuda

from fastsde.kernels import lanes
from fastsde.kernels.gpu import products, team, thread, transfers
from fastsde.kernels.gpu.arguments import frozen
from fastsde.kernels.gpu.rebind import Rebinding
from fastsde.kernels.gpu.stored import Stored
from fastsde.kernels.gpu.tasks import TASKS

__all__ = ["SIMULATED", "Program", "compile_kernel"]

SIMULATED = bool(numba.config.ENABLE_CUDASIM)
THREADS = 128
"""Threads of a block where each thread has one trajectory."""
TEAM = 4 if SIMULATED else 32
"""Threads that share a trajectory: a warp."""
LARGE_TEAM = 4 if SIMULATED else 128
"""The same for trajectories too large for shared memory."""
TILE, TILE_ROUNDS = (4, 4) if SIMULATED else (32, 4)
"""Side of the tiles that transposes move, and rounds in which the threads of a block do it."""
GLOBAL_MEMORY = {"team", "global"}
"""Classes of memory that kernels are given."""


class _ArrayMath:
    """`math` for the simulator: the same names on NumPy numbers, without exceptions."""

    sqrt, exp, log, sin, cos, floor, pi = np.sqrt, np.exp, np.log, np.sin, np.cos, np.floor, math.pi


def _numpy_select(mask, a, b):
    """Choose, and return a NumPy number: dividing a Python one by zero would raise."""
    chosen = a if mask else b
    return np.float64(chosen) if isinstance(chosen, float) else chosen


def _silent(task):
    """Let a task divide by zero without a warning, as compiled code does."""

    def silent(*args):
        with np.errstate(all="ignore"):
            task(*args)

    return silent


def _device_function(function):
    return function if SIMULATED else cuda.jit(device=True)(function)


def _fused(a, b, c):
    return cuda.fma(a, b, c)


def _launchable(function):
    """Return what starts a kernel; its compiled code is kept on disk."""
    made = cuda.jit(function)
    if not SIMULATED:
        made._cache = Stored(function, lambda: cuda.get_current_device().compute_capability)
    return made


def _team_function(function):
    """Return a function of threads: the simulator lends it `cuda` only if it is one of a device."""
    return cuda.jit(device=True)(function)


def _own():
    if SIMULATED:
        return {lanes.fma: products.fma, lanes.select: _numpy_select, math: _ArrayMath}
    return {lanes.fma: _device_function(_fused)}


def _in_thread(task, size, index_count, real):
    """Return a kernel in which each thread has one trajectory after the other, in memory of its own."""

    def kernel(count, job):
        m = cuda.local.array(size, real)
        indices = cuda.local.array(index_count, numba.int32)
        for t in range(cuda.grid(1), count, cuda.gridsize(1)):
            task(m, indices, t, job)

    return kernel


def _in_global(task):
    """Return a kernel in which each thread has one trajectory after the other, in a column of `memory`."""

    def kernel(count, job, memory, all_indices):
        slot = cuda.grid(1)
        m, indices = memory[:, slot], all_indices[:, slot]
        for t in range(slot, count, cuda.gridsize(1)):
            task(m, indices, t, job)

    return kernel


def _rank():
    return cuda.threadIdx.x


def _count():
    return cuda.blockDim.x


def _wait():
    cuda.syncthreads()


def _in_shared(task, size, index_count, real):
    """Return a kernel in which each block of threads has one trajectory after the other, in shared memory.

    The memory of a trajectory comes first, behind it its indices.
    """
    start = size * np.dtype(str(real)).itemsize // 4

    def kernel(count, job):
        m = cuda.shared.array(0, real)
        indices = cuda.shared.array(0, numba.int32)[start:]
        for t in range(cuda.blockIdx.x, count, cuda.gridDim.x):
            task(m, indices, t, job)

    return kernel


def _in_team(task):
    """Return a kernel in which each block has one trajectory after the other, in a row of `memory`."""

    def kernel(count, job, memory, all_indices):
        slot = cuda.blockIdx.x
        m, indices = memory[slot], all_indices[slot]
        for t in range(slot, count, cuda.gridDim.x):
            task(m, indices, t, job)

    return kernel


class Program:
    """The tasks of one model, compiled when they are first asked for.

    Parameters
    ----------
    network, data
        Named tuples of `fastsde.kernels.layout`; sizes and places become constants of the code.
    dtype : numpy dtype
    dynamics
        The step to advance by.
    carried : int
        Numbers besides the parameters that a trajectory carries.
    indices : int
        Sample indices that a trajectory needs.
    trace : int
        Which formula gives the noise trace.
    plan : optional
        Places of Lanczos, `fastsde.kernels.hessian.Space`.
    where : {"local", "shared", "team", "global"}
        Where the memory of a trajectory is: of a thread, shared by a block of threads, or in global memory of
        a block or of a thread.
    """

    def __init__(
        self, network, data, dtype, *, dynamics=None, carried=0, indices=1, trace=0, plan=None, where="local"
    ):
        self.dtype, self.where = np.dtype(dtype), where
        self.size = network.size + (0 if plan is None else plan.size)
        self.indices = max(indices, 1)
        table, doubles, names = thread.primitives(dtype, _device_function, _own())
        if where in {"shared", "team"}:
            own = {f.__name__: _team_function(f) for f in (_rank, _count, _wait)}
            table |= team.primitives(_device_function, self.size, own, names)
            self.size += team.PARTS
        constants = {
            "NET": frozen(network),
            "PLAN": frozen(plan),
            "NUMBERS": network.parameters + carried,
            "TRACE": trace,
        }
        self._rebinding = Rebinding(table, doubles, _device_function, dtype, data, dynamics, constants)
        self._kernels = {}
        self.threads = {"shared": TEAM, "team": LARGE_TEAM}.get(where, THREADS)

    def function(self, task):
        """Return the kernel of a task (`fastsde.kernels.gpu.tasks.TASKS`) as a Python function."""
        bound = self._rebinding.bind(TASKS[task])
        bound = _silent(bound) if SIMULATED else _device_function(bound)
        if self.where in GLOBAL_MEMORY:
            return _in_team(bound) if self.where == "team" else _in_global(bound)
        real = numba.float32 if self.dtype == np.float32 else numba.float64
        make = _in_shared if self.where == "shared" else _in_thread
        return make(bound, self.size, self.indices, real)

    def launch(self, task, count, job, stream=0, workspace=()):
        """Start a task of `count` trajectories; `workspace`: its memory and indices, if global."""
        if task not in self._kernels:
            self._kernels[task] = _launchable(self.function(task))
        self._kernels[task][self._shape(count, workspace, stream)](count, job, *workspace)

    def is_ready(self, task):
        """Return whether a task has been launched before, so that launching it again compiles nothing."""
        return task in self._kernels

    @property
    def bytes(self):
        """Bytes of a trajectory's memory and indices."""
        return self.size * self.dtype.itemsize + 4 * self.indices

    def _shape(self, count, workspace, stream):
        """Return blocks, threads, stream and bytes of dynamic shared memory of a launch."""
        if self.where == "shared":
            return count, self.threads, stream, self.bytes
        if self.where == "team":
            return min(count, workspace[0].shape[0]), self.threads, stream
        if workspace:
            slots = workspace[0].shape[1]
            return max(1, slots // THREADS), min(THREADS, slots), stream
        threads = min(self.threads, count)
        return -(-count // threads), threads, stream


@contextmanager
def _pretended(capability):
    """Let numba compile for a device that need not be there."""
    from numba.cuda import dispatcher

    class Device:
        compute_capability = capability

    with mock.patch.object(dispatcher, "get_current_device", return_value=Device):
        yield


def compile_kernel(program, task, job, capability=(9, 0)):
    """Return the PTX of a task for a compute capability, on any machine that has the toolkit.

    `job` may hold host arrays: only their types count.
    """
    kinds = [numba.int64, numba.typeof(job)]
    if program.where in GLOBAL_MEMORY:
        real = numba.from_dtype(program.dtype)
        kinds += [numba.types.Array(real, 2, "C"), numba.types.Array(numba.int32, 2, "C")]
    with _pretended(capability):
        ptx, _ = cuda.compile(
            program.function(task), tuple(kinds), cc=capability, device=False, abi="numba", output="ptx"
        )
    return ptx


def array(shape, dtype):
    """Return an array on the device, the first axis of a matrix (the trajectories) fastest."""
    return cuda.device_array(shape, np.dtype(dtype), order="F")


@cache
def _mover(kernel, dtype):
    return _launchable(kernel(numba.from_dtype(dtype), TILE))


def _tiles(shape, stream):
    """Return blocks, threads and stream of a launch in which each block of threads has a tile."""
    return tuple(-(-n // TILE) for n in shape), (TILE, TILE // TILE_ROUNDS), stream


def rows_from(source, first, place, target, stream=0):
    """Copy columns `place`, ... of an array of the device, from row `first` on, to the rows of `target`."""
    if all(target.shape):
        _mover(transfers.rows_from, source.dtype)[_tiles(target.shape, stream)](source, first, place, target)


def rows_into(source, target, first, stream=0):
    """Copy rows into an array of the device, from its row `first` on; columns beyond theirs become 0."""
    shape = source.shape[0], target.shape[1]
    if all(shape):
        _mover(transfers.rows_into, target.dtype)[_tiles(shape, stream)](source, target, first)


def rows(shape, dtype):
    """Return an array on the device, the last axis fastest, as the host has it."""
    return cuda.device_array(shape, np.dtype(dtype))


def workspace(program, slots):
    """Return memory and indices in global memory for `slots` trajectories at a time.

    Threads have columns, so that neighbours are side by side; a block has a row.
    """
    shapes = (program.size, slots), (program.indices, slots)
    if program.where == "team":
        shapes = tuple(shape[::-1] for shape in shapes)
    return cuda.device_array(shapes[0], program.dtype), cuda.device_array(shapes[1], np.int32)


def put(host, stream=0):
    """Return a copy of an array on the device."""
    return cuda.to_device(host, stream=stream)


def pinned(count):
    """Return bytes of page-locked memory of the host, which copies need not wait for."""
    return cuda.pinned_array(count, np.uint8)


def streams():
    """Return a stream to compute on, and one to copy on."""
    return cuda.stream(), cuda.stream()


def mark(stream):
    """Return an event to wait for (`synchronize`): all that the stream was asked until now."""
    event = cuda.event()
    event.record(stream)
    return event


def after(first, second):
    """Let all that is asked of the stream `second` from now on wait for what `first` was asked until now."""
    event = cuda.event()
    event.record(first)
    event.wait(second)


def device_seconds(work, stream):
    """Return the seconds that what `work` asks of the stream takes on the device."""
    if SIMULATED:
        begun = time.perf_counter()
        work()
        return time.perf_counter() - begun
    begin, end = cuda.event(), cuda.event()
    begin.record(stream)
    work()
    end.record(stream)
    end.synchronize()
    return cuda.event_elapsed_time(begin, end) / 1e3


def registers(program, task):
    """Return the registers of a thread of a kernel that has been launched; 0 in the simulator."""
    if SIMULATED:
        return 0
    found = program._kernels[task].get_regs_per_thread()
    return int(max(found.values()) if isinstance(found, dict) else found)


def free_bytes():
    """Return the free memory of the device in bytes; of the simulator, 1 GiB."""
    return 1 << 30 if SIMULATED else int(cuda.current_context().get_memory_info().free)


def is_out_of_memory(error):
    """Return whether an exception says that the device's memory is full."""
    return isinstance(error, MemoryError) or "OUT_OF_MEMORY" in str(error).upper()


def describe():
    """Return the device's name, compute capability, driver's CUDA version, multiprocessors and memory."""
    if SIMULATED:
        return {
            "name": "simulator",
            "compute_capability": "0.0",
            "driver": "0.0",
            "multiprocessors": 1,
            "clock_hz": 1e9,
        }
    device_now = cuda.get_current_device()
    version = cuda.cudadrv.driver.driver.get_version()
    name = device_now.name
    return {
        "name": name.decode() if isinstance(name, bytes) else str(name),
        "compute_capability": ".".join(map(str, device_now.compute_capability)),
        "driver": ".".join(map(str, version)),
        "multiprocessors": int(device_now.MULTIPROCESSOR_COUNT),
        "clock_hz": 1e3 * int(device_now.CLOCK_RATE),
        "memory": int(cuda.current_context().get_memory_info().total),
    }


def count():
    """Return how many devices this process sees."""
    return 1 if SIMULATED else len(cuda.list_devices())


def select(number):
    """Compute on device `number` from now on."""
    if not SIMULATED:
        cuda.select_device(number)


def unavailable_reason():
    """Return why there is no device to compute on; None if there is one."""
    if SIMULATED:
        return None
    try:
        if cuda.is_available():
            cuda.current_context()
            return None
    except Exception as error:  # of the driver, whose classes differ from version to version
        return str(error) or type(error).__name__
    return str(cuda.cuda_error() or "no NVIDIA GPU was found")
