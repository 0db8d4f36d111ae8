"""The outermost loop of a kernel: which thread or block has which trajectory, and its memory."""

import numba
from numba import cuda

from fastsde.kernels.gpu.memory import lane_memories, memories
from fastsde.kernels.gpu.target import WARP, real_type

__all__ = ["GLOBAL_MEMORY", "loop_of"]

GLOBAL_MEMORY = {"team", "global"}
"""Classes of memory that kernels are given."""


def loop_of(task, where, placement, size, indices, dtype):
    """Return the kernel that does a task with trajectories 0 to ``count - 1`` of a job.

    It takes the count and the job, and memory and indices where they are in global memory.

    Parameters
    ----------
    task : callable
        ``task(m, indices, t, job)``.
    where : {"local", "lane", "shared", "block", "team", "global"}
        The class of memory.
    placement : fastsde.kernels.gpu.placement.Placement
    size, indices : int
        Numbers and indices of a trajectory.
    dtype : numpy dtype
    """
    loops = {
        "local": lambda: _in_thread(task, size, indices, real_type(dtype)),
        "lane": lambda: _in_lane(task, placement, size, dtype),
        "shared": lambda: _in_warp(task, placement, memories(placement, size, dtype)),
        "block": lambda: _in_block(task, memories(placement, size, dtype)),
        "team": lambda: _in_team(task),
        "global": lambda: _in_global(task),
    }
    return loops[where]()


def _in_thread(task, size, index_count, real):
    """Each thread has one trajectory after the other, in memory of its own."""

    def kernel(count, job):
        m = cuda.local.array(size, real)
        indices = cuda.local.array(index_count, numba.int32)
        for t in range(cuda.grid(1), count, cuda.gridsize(1)):
            task(m, indices, t, job)

    return kernel


def _in_lane(task, placement, size, dtype):
    """Each thread has one trajectory after the other, whose weights lie beside those of its warp."""
    own_numbers, real = max(1, size - placement.plan.scratch), real_type(dtype)
    memories = lane_memories(placement, dtype)

    def kernel(count, job):
        own = cuda.local.array(own_numbers, real)
        m, indices = memories(cuda.threadIdx.x // WARP, cuda.threadIdx.x % WARP, own)
        for t in range(cuda.grid(1), count, cuda.gridsize(1)):
            task(m, indices, t, job)

    return kernel


def _in_warp(task, placement, memories):
    """Each warp has some trajectories side by side, one after the other.

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
    """Each block has one trajectory after the other, in shared memory."""

    def kernel(count, job):
        m, indices = memories(0, 0)
        for t in range(cuda.blockIdx.x, count, cuda.gridDim.x):
            task(m, indices, t, job)

    return kernel


def _in_team(task):
    """Each block has one trajectory after the other, in a row of `memory`."""

    def kernel(count, job, memory, all_indices):
        slot = cuda.blockIdx.x
        m, indices = memory[slot], all_indices[slot]
        for t in range(slot, count, cuda.gridDim.x):
            task(m, indices, t, job)

    return kernel


def _in_global(task):
    """Each thread has one trajectory after the other, in a column of `memory`."""

    def kernel(count, job, memory, all_indices):
        slot = cuda.grid(1)
        m, indices = memory[:, slot], all_indices[:, slot]
        for t in range(slot, count, cuda.gridsize(1)):
            task(m, indices, t, job)

    return kernel
