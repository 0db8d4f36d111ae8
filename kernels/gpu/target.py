"""What kernels are compiled for: numba's CUDA target, or with ``NUMBA_ENABLE_CUDASIM=1`` its simulator.

The simulator runs the same copies of the kernels as plain Python, with fewer threads.
"""

import math

import numba
import numpy as np
from numba import cuda

from fastsde.kernels import lanes
from fastsde.kernels.gpu import products, simulator, tiles

__all__ = [
    "LANES",
    "LARGE_TEAM",
    "SIMULATED",
    "THREADS",
    "WARP",
    "always_inlined",
    "device_function",
    "emitted",
    "own_primitives",
    "real_type",
    "task_function",
    "team_function",
]

SIMULATED = bool(numba.config.ENABLE_CUDASIM)
if SIMULATED:
    from fastsde.kernels.gpu import simulated_threads

    simulated_threads.install()
THREADS = 128
"""Threads of a block where each thread has one trajectory."""
WARP = 4 if SIMULATED else 32
"""Threads of a warp."""
LANES = 2 if SIMULATED else None
"""Threads of a warp that share a trajectory; None: by its size."""
LARGE_TEAM = 4 if SIMULATED else 128
"""Threads that share a trajectory too large for shared memory."""


def device_function(function):
    """Return what kernels call for a Python function."""
    return function if SIMULATED else cuda.jit(device=True)(function)


def team_function(function):
    """Return the same of a function that names `cuda`: the simulator lends that to functions of a device."""
    return cuda.jit(device=True)(function)


def always_inlined(function):
    """Return a function whose sizes are constants where it is called."""
    return function if SIMULATED else cuda.jit(device=True, forceinline=True)(function)


def task_function(task):
    """Return a task as kernels call it."""
    return simulator.silent(task) if SIMULATED else device_function(task)


def real_type(dtype):
    """Return numba's type of the trajectories' numbers."""
    return numba.float32 if np.dtype(dtype) == np.float32 else numba.float64


def _fused(a, b, c):
    return cuda.fma(a, b, c)


def own_primitives():
    """Return the target's own forms of primitives (`fastsde.kernels.gpu.thread`)."""
    if SIMULATED:
        return {lanes.fma: products.fma, lanes.select: simulator.select, math: simulator.ArrayMath}
    return {lanes.fma: device_function(_fused)}


def emitted():
    """Return the module of functions that are emitted as code, of the simulator those in plain Python.

    The first is imported only here: without numba-cuda it cannot be.
    """
    if SIMULATED:
        return tiles
    from fastsde.kernels.gpu import intrinsics

    return intrinsics
