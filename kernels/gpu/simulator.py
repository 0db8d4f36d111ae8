"""What numba's simulator needs in the place of what is compiled: kernels run there as plain Python."""

import math

import numpy as np

__all__ = ["ArrayMath", "Split", "select", "silent"]


class ArrayMath:
    """`math` on NumPy numbers: the same names, without exceptions."""

    sqrt, exp, expm1, log = np.sqrt, np.exp, np.expm1, np.log
    sin, cos, floor, pi = np.sin, np.cos, np.floor, math.pi


def select(mask, a, b):
    """Choose, and return a NumPy number: dividing a Python one by zero would raise."""
    chosen = a if mask else b
    return np.float64(chosen) if isinstance(chosen, float) else chosen


def silent(task):
    """Let a task divide by zero without a warning, as compiled code does."""

    def silent_task(*args):
        with np.errstate(all="ignore"):
            task(*args)

    return silent_task


class Split:
    """Memory of a trajectory in two parts: shared memory, and behind it memory of the thread."""

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
