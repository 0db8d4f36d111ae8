"""How threads that have a trajectory between them wait for each other, and ask each other."""

from typing import Any, NamedTuple

import numpy as np
from numba import cuda

from fastsde.kernels.gpu.target import SIMULATED, WARP, team_function

__all__ = ["SHARING", "Way", "block_way", "way_of"]

SHARING = {"shared", "block"}
"""Classes of memory in which several threads have a trajectory in shared memory."""
WHOLE_WARP = 0xFFFFFFFF
BLOCK_BARRIER, WARP_BARRIER = "llvm.nvvm.barrier0", "llvm.nvvm.bar.warp.sync"


class Way(NamedTuple):
    """What a thread asks of those that have the same trajectory, and of those in step with it."""

    rank: Any  # the number of this thread among those of its trajectory
    wait: Any  # for the others
    any_of: Any  # whether a condition holds for any thread in step
    count_of: Any  # for how many
    barrier: str  # the function of LLVM that waits


def way_of(where, side_by_side):
    """Return the way of a class of memory; a warp in the simulator is a block.

    Parameters
    ----------
    where : {"shared", "block"}
    side_by_side : int
        Trajectories of a warp.
    """
    in_warp = where == "shared"
    rank = _lane_rank(side_by_side) if in_warp else _rank
    asked = (_wait_for_warp, _any_of_warp, _count_of_warp)
    if not in_warp or SIMULATED:
        asked = (_wait, _any_of_block, _count_of_block)
    barrier = WARP_BARRIER if in_warp else BLOCK_BARRIER
    return Way(*map(team_function, (rank, *asked)), barrier)


def block_way():
    """Return what threads of a block of any size ask, by the names of `fastsde.kernels.gpu.team`."""
    return {f.__name__: team_function(f) for f in (_rank, _count, _wait)}


def _rank():
    return cuda.threadIdx.x


def _count():
    return cuda.blockDim.x


def _wait():
    cuda.syncthreads()


def _any_of_block(mask):
    return cuda.syncthreads_or(np.int32(mask)) != 0


def _count_of_block(mask):
    return cuda.syncthreads_count(np.int32(mask))


def _lane_rank(side_by_side):
    """Return the number of a thread of a warp, whose neighbours have the trajectories side by side."""

    def rank():
        return cuda.threadIdx.x % WARP // side_by_side

    return rank


def _wait_for_warp():
    cuda.syncwarp()


def _any_of_warp(mask):
    return cuda.any_sync(WHOLE_WARP, mask)


def _count_of_warp(mask):
    return cuda.popc(cuda.ballot_sync(WHOLE_WARP, mask))
