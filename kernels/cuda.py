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

from fastsde.kernels import lanes, matmul
from fastsde.kernels.gpu import network as networks
from fastsde.kernels.gpu import products, team, thread, tiles, transfers, vectors
from fastsde.kernels.gpu.arguments import frozen
from fastsde.kernels.gpu.placement import HOPPER, index_size, limit_of, place
from fastsde.kernels.gpu.plan import most_samples
from fastsde.kernels.gpu.rebind import Rebinding
from fastsde.kernels.gpu.stored import Stored
from fastsde.kernels.gpu.tasks import TASKS
from fastsde.kernels.layout import Measurements

__all__ = ["SIMULATED", "Program", "compile_kernel"]

SIMULATED = bool(numba.config.ENABLE_CUDASIM)
THREADS = 128
"""Threads of a block where each thread has one trajectory."""
WARP = 4 if SIMULATED else 32
"""Threads of a warp."""
LANES = 2 if SIMULATED else None
"""Threads of a warp that share a trajectory; None: by its size."""
LARGE_TEAM = 4 if SIMULATED else 128
"""Threads that share a trajectory too large for shared memory."""
WHOLE_WARP = 0xFFFFFFFF
TILE, TILE_ROUNDS = (4, 4) if SIMULATED else (32, 4)
"""Side of the tiles that transposes move, and rounds in which the threads of a block do it."""
GLOBAL_MEMORY = {"team", "global"}
"""Classes of memory that kernels are given."""


class _ArrayMath:
    """`math` for the simulator: the same names on NumPy numbers, without exceptions."""

    sqrt, exp, expm1, log = np.sqrt, np.exp, np.expm1, np.log
    sin, cos, floor, pi = np.sin, np.cos, np.floor, math.pi


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


def _launchable(function, shared=0):
    """Return what starts a kernel with so many bytes of shared memory; its compiled code is kept on disk."""
    made = cuda.jit(function)
    if not SIMULATED:
        made._cache = Stored(function, lambda: cuda.get_current_device().compute_capability)
    return _WithRoom(made, shared) if shared and not SIMULATED else made


class _WithRoom:
    """A kernel that asks for more shared memory than blocks have without asking, once, before it starts."""

    def __init__(self, made, shared):
        self._made, self._shared, self._asked = made, shared, set()

    def __getitem__(self, shape):
        def start(*args):
            self._ask(args)
            self._made[shape](*args)

        return start

    def __getattr__(self, name):
        return getattr(self._made, name)

    def _ask(self, args):
        kinds = tuple(self._made.typeof_pyval(value) for value in args)
        if kinds in self._asked:
            return
        from cuda.bindings import driver

        function = self._made.compile(kinds)._codelibrary.get_cufunc()
        attribute = driver.CUfunction_attribute
        for name, value in (
            (attribute.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, self._shared),
            (attribute.CU_FUNC_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT, 100),
        ):
            cuda.cudadrv.driver.driver.cuKernelSetAttribute(
                name, value, function.handle, cuda.get_current_device().id
            )
        self._asked.add(kinds)


def _team_function(function):
    """Return a function of threads: the simulator lends it `cuda` only if it is one of a device."""
    return cuda.jit(device=True)(function)


def _always_inlined(function):
    """Return a function whose sizes are constants where it is called."""
    return function if SIMULATED else cuda.jit(device=True, forceinline=True)(function)


def _count_of(count):
    return _device_function(lambda: count)


def _zero(real):
    zero = real(0.0)
    return _device_function(lambda m: zero)


def _entry():
    """Return what reads an entry, counted row by row, of an array without gaps."""
    if SIMULATED:
        return lambda array, index: array[index // array.shape[1], index % array.shape[1]]
    from fastsde.kernels.cuda_code import entry

    return entry


def _entry_of():
    if SIMULATED:
        return None
    from fastsde.kernels.cuda_code import entry_of

    return entry_of


def _forward_of(rows, columns):
    if SIMULATED:
        return tiles.forward_of(rows, columns)
    from fastsde.kernels.cuda_code import forward_of

    return forward_of(rows, columns)


def _row_of(count):
    if SIMULATED:
        return lambda table, row: tuple(table[row, k] for k in range(count))
    from fastsde.kernels.cuda_code import row_of

    return row_of(count)


def _back_of(rows, columns, back):
    if SIMULATED:
        return tiles.back_of(rows, columns, back)
    from fastsde.kernels.cuda_code import back_of

    return back_of(rows, columns, back)


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


def _lane_rank(side_by_side):
    """Return the number of a thread among those of its trajectory, of which a warp has some side by side."""

    def rank():
        return cuda.threadIdx.x % WARP // side_by_side

    return rank


def _wait_for_warp():
    cuda.syncwarp()


def _any_of_warp(mask):
    return cuda.any_sync(WHOLE_WARP, mask)


def _count_of_warp(mask):
    return cuda.popc(cuda.ballot_sync(WHOLE_WARP, mask))


def _any_of_block(mask):
    return cuda.syncthreads_or(np.int32(mask)) != 0


def _count_of_block(mask):
    return cuda.syncthreads_count(np.int32(mask))


WAYS = {
    "shared": (_wait_for_warp, _any_of_warp, _count_of_warp, "llvm.nvvm.bar.warp.sync"),
    "block": (_wait, _any_of_block, _count_of_block, "llvm.nvvm.barrier0"),
}
"""How threads that have trajectories between them wait for each other and ask each other, by class of memory.

A warp in the simulator is a block.
"""
if SIMULATED:
    WAYS["shared"] = WAYS["block"]


def _memories(placement, size, real):
    """Return a function that makes memory and indices of a trajectory, and the bytes of its indices.

    Trajectories of a warp lie side by side; the indices of all are behind the numbers of all.
    """
    side_by_side, pad = placement.side_by_side, placement.pad
    width = np.dtype(str(real)).itemsize
    start_of_indices = (size + (size >> pad if pad else 0)) * side_by_side * width
    if SIMULATED:
        kind, whole = np.dtype(str(real)), 4

        def memories(warp, s):
            block = cuda.shared.array(0, numba.float64).view(np.uint8)
            numbers = block[:start_of_indices].view(kind)
            indices = block[start_of_indices:].view(np.int32)
            return numbers[s::side_by_side], indices[s::side_by_side]

        return _team_function(memories), whole
    from fastsde.kernels.cuda_code import view

    whole = index_size(placement.indices)
    numbers_at = view(real, side_by_side, pad)
    indices_at = view(numba.uint8 if whole == 1 else numba.int32, side_by_side, 0)
    of_a_warp = placement.bytes

    def memories(warp, s):
        block = cuda.shared.array(0, numba.float64)
        start = warp * of_a_warp
        return numbers_at(block, start + s * width), indices_at(block, start + start_of_indices + s * whole)

    return _device_function(memories), whole


def _in_warp(task, placement, memories):
    """Return a kernel in which each warp has some trajectories side by side, one after the other.

    All threads of a warp go through the same instructions: they wait for each other. Behind the last
    trajectory they repeat it, and write the same numbers again.
    """
    side_by_side, warps = placement.side_by_side, placement.warps
    at_once = side_by_side * warps

    def kernel(count, job):
        warp, s = cuda.threadIdx.x // WARP, cuda.threadIdx.x % side_by_side
        m, indices = memories(warp, s)
        for first in range(cuda.blockIdx.x * at_once + warp * side_by_side, count, cuda.gridDim.x * at_once):
            task(m, indices, min(first + s, count - 1), job)

    return kernel


def _in_block(task, memories):
    """Return a kernel in which each block has one trajectory after the other, in shared memory."""

    def kernel(count, job):
        m, indices = memories(0, 0)
        for t in range(cuda.blockIdx.x, count, cuda.gridDim.x):
            task(m, indices, t, job)

    return kernel


class _Split:
    """Memory of a trajectory in two parts, for the simulator."""

    ndim = 1

    def __init__(self, shared, own):
        self._shared, self._own, self._limit, self.dtype = shared, own, len(shared), own.dtype

    def _place(self, k):
        return (self._shared, k) if k < self._limit else (self._own, k - self._limit)

    def __getitem__(self, k):
        part, place = self._place(k)
        return part[place]

    def __setitem__(self, k, value):
        part, place = self._place(k)
        part[place] = value


def _lane_memories(placement, real):
    """Return a function that makes memory and indices of a thread's trajectory from its own memory."""
    width = np.dtype(str(real)).itemsize
    limit, side_by_side = placement.plan.scratch, placement.side_by_side
    start_of_indices = limit * side_by_side * width
    if SIMULATED:
        kind = np.dtype(str(real))

        def memories(warp, lane, own):
            block = cuda.shared.array(0, numba.float64).view(np.uint8)
            numbers = block[:start_of_indices].view(kind)
            indices = block[start_of_indices:].view(np.int32)
            return _Split(numbers[lane::side_by_side], own), indices[lane::side_by_side]

        return _team_function(memories)
    from fastsde.kernels.cuda_code import split_view, view

    whole = index_size(placement.indices)
    numbers_at = split_view(real, side_by_side, limit)
    indices_at = view(numba.uint8 if whole == 1 else numba.int32, side_by_side, 0)
    of_a_warp = placement.bytes

    def memories(warp, lane, own):
        block = cuda.shared.array(0, numba.float64)
        start = warp * of_a_warp
        numbers = numbers_at(block, start + lane * width, own)
        return numbers, indices_at(block, start + start_of_indices + lane * whole)

    return _device_function(memories)


def _in_lane(task, placement, size, real):
    """Return a kernel in which each thread has a trajectory whose weights lie beside those of its warp."""
    own_numbers = max(1, size - placement.plan.scratch)
    memories = _lane_memories(placement, real)

    def kernel(count, job):
        own = cuda.local.array(own_numbers, real)
        m, indices = memories(cuda.threadIdx.x // WARP, cuda.threadIdx.x % WARP, own)
        for t in range(cuda.grid(1), count, cuda.gridsize(1)):
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
    where : {"local", "lane", "shared", "block", "team", "global"}
        Where the memory of a trajectory is: of a thread, beside those of its warp in shared memory (of one
        thread, or of several), in shared memory of a block, or in global memory of a block or of a thread.
    limit : int, optional
        Bytes of shared memory that a block may have.

    Attributes
    ----------
    placement : fastsde.kernels.gpu.placement.Placement
    threads : int
        Of a block.
    shared : int
        Bytes of dynamic shared memory of a block.
    """

    def __init__(
        self,
        network,
        data,
        dtype,
        *,
        dynamics=None,
        carried=0,
        indices=1,
        trace=0,
        plan=None,
        where="local",
        limit=None,
    ):
        self.dtype, self.where = np.dtype(dtype), where
        limit = limit_of(HOPPER) if limit is None else limit
        placement = place(
            network, data, dtype, dynamics, max(indices, 1), limit, where=where, warp=WARP, lanes=LANES
        )
        self.placement = placement._replace(warps=1) if SIMULATED else placement
        net = network if placement.plan is None else placement.plan.network
        self.size = net.size + (0 if plan is None else plan.size)
        self.indices = max(placement.indices, 1)
        table, doubles, names = thread.primitives(dtype, _device_function, _own(), _entry_of())
        table, doubles = self._replaced(table, doubles, names, frozen(net), network, data, dynamics)
        constants = {
            "NET": frozen(net),
            "PLAN": frozen(plan),
            "NUMBERS": network.parameters + carried,
            "TRACE": trace,
        }
        self._rebinding = Rebinding(table, doubles, _device_function, dtype, data, dynamics, constants)
        self._kernels = {}
        self.threads = self._threads()
        self.shared = self.placement.bytes * self.placement.warps

    def _threads(self):
        if self.where in {"shared", "lane"}:
            return WARP * self.placement.warps
        return {"block": self.placement.lanes, "team": LARGE_TEAM}.get(self.where, THREADS)

    def _replaced(self, table, doubles, names, net, network, data, dynamics):
        """Return the tables of primitives of the class of memory; those behind the memory count as of it."""
        if self.where == "team":
            own = {f.__name__: _team_function(f) for f in (_rank, _count, _wait)}
            table |= team.primitives(_device_function, self.size, own, names)
            self.size += team.PARTS
        if self.where == "lane":
            table |= vectors.forms(net, _forward_of, _back_of, _row_of, _always_inlined, table[lanes.fma])
        if self.where in WAYS:
            threads, wait, any_of, count_of = self._way()
            own = {"_rank": threads.rank, "_count": _count_of(threads.lanes), "_wait": wait}
            shared = team.primitives(_device_function, self.size, own, names)
            samples = len(getattr(data, "inputs", ()))
            sizes = networks.shapes(network, samples, most_samples(dynamics))
            doubles[lanes.any_lane] = table[lanes.any_lane]
            measured = isinstance(data, Measurements)
            table |= shared | networks.forms(net, sizes, threads, shared[matmul.matmul], measured)
            table |= team.asking(_device_function, any_of, count_of, threads.rank)
            self.size += 2 * threads.lanes
        return table, doubles

    def _way(self):
        """Return how the threads of a trajectory work together, wait and ask each other."""
        wait, any_of, count_of, barrier = WAYS[self.where]
        real = self.dtype.type
        lanes_now = self.placement.lanes
        rank = _lane_rank(self.placement.side_by_side) if self.where == "shared" else _rank
        wait, any_of, count_of, rank = (_team_function(f) for f in (wait, any_of, count_of, rank))

        def product_of(t, inner, strides):
            if SIMULATED:
                return tiles.product_of(t, inner, wait)
            from fastsde.kernels.cuda_code import product_of

            return product_of(t, inner, barrier, strides)

        own = _own()[lanes.fma]
        threads = networks.Team(
            lanes_now, _always_inlined, rank, wait, product_of, _entry(), _zero(real), own, real(0.5)
        )
        return threads, wait, any_of, count_of

    def function(self, task):
        """Return the kernel of a task (`fastsde.kernels.gpu.tasks.TASKS`) as a Python function."""
        bound = self._rebinding.bind(TASKS[task])
        bound = _silent(bound) if SIMULATED else _device_function(bound)
        real = numba.float32 if self.dtype == np.float32 else numba.float64
        if self.where == "lane":
            return _in_lane(bound, self.placement, self.size, real)
        if self.where in WAYS:
            memories, _ = _memories(self.placement, self.size, real)
            if self.where == "block":
                return _in_block(bound, memories)
            return _in_warp(bound, self.placement, memories)
        if self.where == "local":
            return _in_thread(bound, self.size, self.indices, real)
        return _in_team(bound) if self.where == "team" else _in_global(bound)

    def launch(self, task, count, job, stream=0, workspace=()):
        """Start a task of `count` trajectories; `workspace`: its memory and indices, if global."""
        if task not in self._kernels:
            self._kernels[task] = _launchable(self.function(task), self.shared)
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
        if self.shared:
            at_once = self.placement.side_by_side * self.placement.warps
            return -(-count // at_once), self.threads, stream, self.shared
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
