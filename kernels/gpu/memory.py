"""Where a thread finds its trajectory in shared memory: beside those of its warp, or of its block.

The indices of all trajectories of a warp are behind the numbers of all.
"""

import numba
import numpy as np
from numba import cuda

from fastsde.kernels.gpu.placement import index_size
from fastsde.kernels.gpu.simulator import Split
from fastsde.kernels.gpu.target import SIMULATED, device_function, real_type, team_function

__all__ = ["lane_memories", "memories"]


def memories(placement, size, dtype):
    """Return a function of a warp's number and a trajectory's in it that gives its memory and indices.

    Parameters
    ----------
    placement : fastsde.kernels.gpu.placement.Placement
    size : int
        Numbers of a trajectory.
    dtype : numpy dtype
    """
    side_by_side, pad = placement.side_by_side, placement.pad
    behind = (size + (size >> pad if pad else 0)) * side_by_side * np.dtype(dtype).itemsize
    if SIMULATED:
        views = _views(side_by_side, behind, dtype)
        return team_function(lambda warp, s: views(s))
    from fastsde.kernels.gpu.memory_type import view

    width, whole = np.dtype(dtype).itemsize, index_size(placement.indices)
    numbers_at = view(real_type(dtype), side_by_side, pad)
    indices_at = view(_index_type(whole), side_by_side, 0)
    of_a_warp = placement.bytes

    def both(warp, s):
        block = cuda.shared.array(0, numba.float64)
        start = warp * of_a_warp
        return numbers_at(block, start + s * width), indices_at(block, start + behind + s * whole)

    return device_function(both)


def lane_memories(placement, dtype):
    """Return the same where a thread has a trajectory, and memory of its own for its last numbers."""
    limit, side_by_side = placement.plan.scratch, placement.side_by_side
    behind = limit * side_by_side * np.dtype(dtype).itemsize
    if SIMULATED:
        views = _views(side_by_side, behind, dtype)

        def simulated(warp, lane, own):
            numbers, indices = views(lane)
            return Split(numbers, own), indices

        return team_function(simulated)
    from fastsde.kernels.gpu.memory_type import split_view, view

    width, whole = np.dtype(dtype).itemsize, index_size(placement.indices)
    numbers_at = split_view(real_type(dtype), side_by_side, limit)
    indices_at = view(_index_type(whole), side_by_side, 0)
    of_a_warp = placement.bytes

    def both(warp, lane, own):
        block = cuda.shared.array(0, numba.float64)
        start = warp * of_a_warp
        numbers = numbers_at(block, start + lane * width, own)
        return numbers, indices_at(block, start + behind + lane * whole)

    return device_function(both)


def _index_type(width):
    return numba.uint8 if width == 1 else numba.int32


def _views(side_by_side, behind, dtype):
    """Return the same for the simulator, where a block has one warp: views of NumPy arrays."""
    kind = np.dtype(dtype)

    def views(s):
        block = cuda.shared.array(0, numba.float64).view(np.uint8)
        numbers, indices = block[:behind].view(kind), block[behind:].view(np.int32)
        return numbers[s::side_by_side], indices[s::side_by_side]

    return team_function(views)
