"""Where the memory of a trajectory is on a device, and how many threads have it between them.

Shared memory of a warp holds S trajectories side by side, T = 32 / S threads each: number k of trajectory s
is at ``m[k S + s]``. Larger trajectories have a block of several warps for themselves.
"""

from typing import NamedTuple

import numpy as np

from fastsde.kernels import primitive
from fastsde.kernels.gpu import team
from fastsde.kernels.gpu.arguments import frozen
from fastsde.kernels.gpu.plan import StepPlan, mentioned, most_samples, step_plan
from fastsde.kernels.gpu.rebind import Rebinding
from fastsde.kernels.gpu.tasks import TASKS
from fastsde.kernels.gpu.tiling import tiling
from fastsde.kernels.options import CHOICES, plain
from fastsde.kernels.step import ALL, RESIDUAL, SAMPLES, memory_of

__all__ = ["HOPPER", "Placement", "best_warps", "lanes_for", "limit_of", "padding", "place"]

KIB = 1 << 10
BLOCK_LIMITS = {
    (7, 0): 96, (7, 2): 96, (7, 5): 64, (8, 0): 163, (8, 6): 99, (8, 7): 163, (8, 9): 99, (9, 0): 227,
    (10, 0): 227, (10, 3): 227, (11, 0): 227, (12, 0): 99, (12, 1): 99,
}  # fmt: skip
"""KiB of shared memory that a block may ask for, by compute capability (CUDA C++ Programming Guide, 2025)."""
HOPPER = (9, 0)
ASKING = 48
"""The same without asking."""
MOST_WARPS, FEW_WARPS = 8, 4
"""Warps of a block at most; warps of a multiprocessor below which more threads have a trajectory."""
LARGEST_TEAM = 256
THREAD_BYTES = 1 << 10
"""Up to so much memory a trajectory has a thread; its numbers are mostly in registers."""
LOCAL_BYTES = 8 << 10
"""Up to so much a thread has memory of its own; above, it has a column of global memory."""
MOST_IN_REGISTERS = 80
"""Activations of a sample, of all layers, that a thread keeps in registers at most."""


class Placement(NamedTuple):
    """Where a program keeps a trajectory."""

    where: str
    plan: StepPlan | None = None  # None: that of CPUs
    lanes: int = 1  # T: threads of a trajectory
    side_by_side: int = 1  # S: trajectories of a warp
    pad: int = 0  # one number is left out after each ``2^pad``; 0 for none
    warps: int = 1  # of a block
    bytes: int = 0  # of shared memory of a warp, or of a block that has one trajectory
    indices: int = 1  # of samples, that a trajectory has
    reason: str = ""


def limit_of(capability):
    """Return the bytes of shared memory that a block may have on a device of a compute capability.

    Examples
    --------
    >>> limit_of((9, 0)) // 1024
    227
    """
    return KIB * BLOCK_LIMITS.get(tuple(capability), ASKING)


def lanes_for(widths):
    """Return the least number of threads for which every product of a network is one tile of each.

    Examples
    --------
    >>> [lanes_for([n] * 4) for n in (4, 10, 16, 32, 64)]
    [1, 4, 8, 32, 128]
    """
    d_in = int(widths[0])
    pairs = {(int(w), d_in) for w in widths[1:]}
    pairs |= {(int(a), int(b)) for a, b in zip(widths[1:], widths[:-1], strict=True)}
    lanes = 1
    while lanes < LARGEST_TEAM and not all(tiling(n, m, lanes).single for n, m in pairs):
        lanes *= 2
    return lanes


def padding(widths, lanes):
    """Return the logarithm of the distance of gaps that keep rows from meeting in one bank; 0 for none.

    Rows of a multiple of T numbers begin in the same bank. If all widths are multiples of 8 and of a power of
    two not below T (or 32), a gap behind as many numbers parts them.

    Examples
    --------
    >>> padding([10, 10], 4), padding([32, 32], 32), padding([64, 64], 128)
    (0, 5, 5)
    """
    common = min(int(w) & -int(w) for w in widths)
    return min(common, 32).bit_length() - 1 if common >= 8 and common >= min(lanes, 32) > 1 else 0


def best_warps(bytes_of_a_warp, limit):
    """Return the warps of a block, the fewest for which most fit a multiprocessor, and how many fit.

    A multiprocessor has 1 KiB more than a block may ask for, and takes 1 KiB of each block for itself.

    Examples
    --------
    >>> best_warps(19264, limit_of((9, 0)))
    (1, 11)
    >>> best_warps(38488, limit_of((9, 0)))
    (3, 6)
    """

    def resident(warps):
        return min(64, warps * min(32, (limit + KIB) // (warps * bytes_of_a_warp + KIB)))

    fitting = [w for w in range(1, MOST_WARPS + 1) if w * bytes_of_a_warp <= limit]
    best = max(fitting, key=lambda w: (resident(w), -w), default=0)
    return best, resident(best) if best else 0


def place(network, data, dtype, dynamics, indices, limit, *, where=None, warp=32, lanes=None):
    """Return where a trajectory is while it advances.

    Parameters
    ----------
    network, data, dynamics
        Of `fastsde.kernels`.
    dtype : numpy dtype
    indices : int
        Sample indices that a trajectory may need.
    limit : int
        Bytes of shared memory that a block may have.
    where : str, optional
        The class of memory; the best by default.
    warp : int
        Threads of a warp.
    lanes : int, optional
        Threads of a trajectory in the class ``"shared"``.
    """
    itemsize = np.dtype(dtype).itemsize
    whole = (network.size + team.PARTS) * itemsize + 4 * indices
    if where in {"local", "team", "global"}:
        return Placement(where, indices=indices, reason="asked for")
    if where is None and whole <= THREAD_BYTES:
        return Placement("local", indices=indices, reason=f"{whole} bytes a trajectory")
    if not team.works_for(dynamics, data):
        small = whole <= LOCAL_BYTES
        reason = "threads cannot share the step"
        return Placement("local" if small else "global", indices=indices, reason=reason)
    found = _Finder(network, data, dtype, dynamics, indices, limit, warp)
    options = {
        "lane": found.lane,
        "shared": lambda: found.shared(lanes),
        "block": found.block,
    }
    for name in options if where is None else [where]:
        placement = options[name]()
        if placement is not None:
            return placement
    return Placement("team", indices=indices, reason=f"more than {limit} bytes of shared memory")


class _Finder:
    """Placements of a step that threads can share, class by class; None where one does not suit."""

    def __init__(self, network, data, dtype, dynamics, indices, limit, warp):
        self._network, self._dynamics, self._limit, self._warp = network, dynamics, limit, warp
        self._itemsize = np.dtype(dtype).itemsize
        names = _names(network, data, dtype, dynamics)
        self._names = mentioned(names)
        self._indices = indices if "indices" in names else 1
        simulated = warp < 32  # NumPy adds indices up in their own precision
        self._index_bytes = (4 if simulated else index_size(self._indices)) * self._indices
        self._looks_at = memory_of(dynamics)

    def _plan(self, lanes, unit):
        widths = self._network.widths
        single = tiling(int(widths[-1]), int(widths[0]), lanes).single
        looks_at = ALL if self._looks_at == RESIDUAL and not single else self._looks_at
        return step_plan(self._network, self._dynamics, self._names, looks_at, unit)

    def lane(self):
        """Give a trajectory one thread: weights in shared memory, what goes through them in registers."""
        widths = self._network.widths
        small = int(widths.sum()) <= MOST_IN_REGISTERS and most_samples(self._dynamics) == 1
        if self._looks_at != SAMPLES or not small:
            return None
        plan = self._plan(1, 1)
        size = _rounded(self._warp * (plan.scratch * self._itemsize + self._index_bytes))
        warps, resident = best_warps(size, self._limit)
        if resident < 3:
            return None
        reason = f"one sample at a time; {size} bytes a warp, {resident} warps a multiprocessor"
        return Placement("lane", plan, 1, self._warp, 0, warps, size, self._indices, reason)

    def shared(self, lanes):
        """Give a trajectory T threads of a warp."""
        lanes = lanes or lanes_for(self._network.widths)
        while lanes <= self._warp:
            pad = padding(self._network.widths, lanes)
            plan = self._plan(lanes, 1 << pad)
            side_by_side = self._warp // lanes
            size = _rounded(side_by_side * self._bytes(plan, lanes, pad))
            warps, resident = best_warps(size, self._limit)
            if resident >= FEW_WARPS or (lanes == self._warp and resident):
                reason = f"{size} bytes a warp, {resident} warps a multiprocessor"
                return Placement("shared", plan, lanes, side_by_side, pad, warps, size, self._indices, reason)
            lanes *= 2
        return None

    def block(self):
        """Give a trajectory several warps."""
        lanes = max(self._warp, lanes_for(self._network.widths))
        if self._warp < 32:
            lanes = self._warp
        pad = padding(self._network.widths, lanes)
        plan = self._plan(lanes, 1 << pad)
        size = _rounded(self._bytes(plan, lanes, pad))
        if size > self._limit:
            return None
        return Placement("block", plan, lanes, 1, pad, 1, size, self._indices, f"{size} bytes a trajectory")

    def _bytes(self, plan, lanes, pad):
        numbers = plan.network.size + 2 * lanes
        return (numbers + ((numbers >> pad) if pad else 0)) * self._itemsize + self._index_bytes


def index_size(count):
    """Return the bytes of a sample's index, of which a trajectory has `count`."""
    return 1 if count <= 255 else 4


def _rounded(size):
    return -(-size // 16) * 16


def _names(network, data, dtype, dynamics):
    """Return the names that the functions of a step mention, at any depth."""
    there = {
        one: one
        for one in primitive.marked()
        if one not in CHOICES and not getattr(plain(one), "is_kernel", False)
    }
    binding = Rebinding(
        there, {}, lambda function: function, dtype, data, dynamics, {"NET": frozen(network), "PLAN": None}
    )
    binding.bind(TASKS["advance"])
    return binding.names
