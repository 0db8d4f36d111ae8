"""Arrays on a device and page-locked on the host, and what copies rows between them."""

from functools import cache

import numba
import numpy as np
from numba import cuda

from fastsde.kernels.gpu import transfers
from fastsde.kernels.gpu.launching import launchable
from fastsde.kernels.gpu.target import SIMULATED

__all__ = ["array", "mover", "pinned", "put", "rows", "rows_from", "rows_into", "workspace"]

TILE, TILE_ROUNDS = (4, 4) if SIMULATED else (32, 4)
"""Side of the tiles that transposes move, and rounds in which the threads of a block do it."""


def array(shape, dtype):
    """Return an array on the device, the first axis of a matrix (the trajectories) fastest."""
    return cuda.device_array(shape, np.dtype(dtype), order="F")


def rows(shape, dtype):
    """Return an array on the device, the last axis fastest, as the host has it."""
    return cuda.device_array(shape, np.dtype(dtype))


def put(host, stream=0):
    """Return a copy of an array on the device."""
    return cuda.to_device(host, stream=stream)


def pinned(count):
    """Return bytes of page-locked memory of the host, which copies need not wait for."""
    return cuda.pinned_array(count, np.uint8)


def workspace(program, slots):
    """Return memory and indices in global memory for `slots` trajectories at a time.

    Threads have columns, so that neighbours are side by side; a block has a row.
    """
    shapes = (program.size, slots), (program.indices, slots)
    if program.where == "team":
        shapes = tuple(shape[::-1] for shape in shapes)
    return cuda.device_array(shapes[0], program.dtype), cuda.device_array(shapes[1], np.int32)


def rows_from(source, first, place, target, stream=0):
    """Copy columns `place`, ... of an array of the device, from row `first` on, to the rows of `target`."""
    if all(target.shape):
        _mover(transfers.rows_from, source.dtype)[_tiles(target.shape, stream)](source, first, place, target)


def rows_into(source, target, first, stream=0):
    """Copy rows into an array of the device, from its row `first` on; columns beyond theirs become 0."""
    shape = source.shape[0], target.shape[1]
    if all(shape):
        _mover(transfers.rows_into, target.dtype)[_tiles(shape, stream)](source, target, first)


def mover(kernel, dtype):
    """Return a kernel of `fastsde.kernels.gpu.transfers` for a type of numbers, as a Python function."""
    return kernel(numba.from_dtype(np.dtype(dtype)), TILE)


@cache
def _mover(kernel, dtype):
    return launchable(mover(kernel, dtype))


def _tiles(shape, stream):
    """Return blocks, threads and stream of a launch in which each block of threads has a tile."""
    return tuple(-(-n // TILE) for n in shape), (TILE, TILE // TILE_ROUNDS), stream
