"""The driver for CPUs: blocks from one snapshot to the next, spread over threads.

Only this file knows threads.

Kernels release the interpreter's lock, and a pool of Python threads runs them on ranges of blocks: no thread
waits for another inside a kernel, and none of numba's threading layers (nor their trouble with forks) is
needed.
"""

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
from numba import uint64

from fastsde.kernels.block import Passages, advance_block, leave
from fastsde.kernels.lanes import ALIGNMENT, lane_count, lane_width, numbers_at, ramp
from fastsde.kernels.normal import fill_normals
from fastsde.kernels.options import kernel
from fastsde.kernels.philox import START, Stream, counter_words

__all__ = ["Workers", "advance", "aligned", "draw_start", "from_lanes", "standard_normals", "to_lanes"]


@kernel
def advance(state, memory, indices, numbers, span, model, passages):
    """Advance every block of `state` over a span of steps.

    Parameters
    ----------
    state : (blocks, parameters * lanes) array, changed in place
    memory, indices : one thread's memory for a block (`Network.size` lane vectors) and for indices of samples
    numbers : (blocks * lanes,) uint64 array, the trajectories' numbers
    span : fastsde.kernels.block.Span
    model : fastsde.kernels.block.Model
    passages : fastsde.kernels.block.Passages without a state, changed in place
    """
    width = lane_width(memory)
    size = state.shape[1]
    kept = Passages(passages.events, passages.diverged, passages.passed, state, size // width)
    for b in range(state.shape[0]):
        row = b * width
        for k in range(size):
            memory[k] = state[b, k]
        lanes = numbers_at(memory, numbers, row)
        advance_block(memory, indices, lanes, row, span, model, kept)
        if len(passages.events.stops) > 0:
            leave(memory, kept, row)
        else:
            for k in range(size):
                state[b, k] = memory[k]


@kernel
def draw_start(state, memory, trajectory, count, key):
    """Fill `state` with the standard normals that initial states are made of."""
    width = lane_width(memory)
    for b in range(state.shape[0]):
        counter = counter_words(ramp(memory, uint64(trajectory + b * width)), uint64(0), 0)
        fill_normals(memory, 0, count, Stream(counter, key), START)
        for k in range(state.shape[1]):
            state[b, k] = memory[k]


def aligned(shape, dtype):
    """Return an uninitialised array that starts on a cache line."""
    dtype = np.dtype(dtype)
    size = int(np.prod(shape)) * dtype.itemsize
    raw = np.empty(size + ALIGNMENT, dtype=np.uint8)
    start = -raw.ctypes.data % ALIGNMENT
    return raw[start : start + size].view(dtype).reshape(shape)


class Workers:
    """A pool of threads that share ranges of blocks, each thread with its own memory for one block.

    One thread is the caller's own.

    Parameters
    ----------
    threads : int
    memory : int
        Elements of one block's memory.
    indices : int
        Elements of one block's sample indices.
    dtype : numpy dtype
    """

    def __init__(self, threads, memory, indices, dtype):
        self.threads = threads
        self._pool = ThreadPoolExecutor(threads) if threads > 1 else None
        self._free = [(aligned(memory, dtype), aligned(max(indices, 1), np.int32)) for _ in range(threads)]

    def map(self, function, ranges):
        """Call ``function(memory, indices, first, last)`` for each range; yield results in order."""

        def call(first, last):
            memory, indices = self._free.pop()
            try:
                return function(memory, indices, first, last)
            finally:
                self._free.append((memory, indices))

        if self._pool is None:
            for r in ranges:
                yield call(*r)
            return
        futures = [self._pool.submit(call, *r) for r in ranges]
        try:
            for future in futures:
                yield future.result()
        finally:
            for future in futures:
                future.cancel()

    def ranges(self, blocks, pieces):
        """Cut ``0 .. blocks`` into about `pieces` ranges, a multiple of the number of threads."""
        pieces = min(blocks, max(self.threads, pieces))
        edges = np.linspace(0, blocks, pieces + 1).astype(int)
        return [(int(a), int(b)) for a, b in pairwise(edges) if b > a]

    def close(self):
        """End the threads."""
        if self._pool is not None:
            self._pool.shutdown()

    def __enter__(self):
        """Return the pool itself."""
        return self

    def __exit__(self, *exception):
        self.close()


def standard_normals(count, trajectory, trajectories, key, dtype):
    """Return the `count` normals that each of some trajectories starts from, (trajectories, count)."""
    lanes = lane_count(dtype)
    blocks = -(-trajectories // lanes)
    state = aligned((blocks, count * lanes), dtype)
    draw_start(state, aligned((count + 4) * lanes, dtype), trajectory, count, key)
    return from_lanes(state, trajectories)


def from_lanes(state, trajectories):
    """Return interleaved blocks as rows, (trajectories, parameters)."""
    blocks = len(state)
    lanes = lane_count(state.dtype)
    return state.reshape(blocks, -1, lanes).transpose(0, 2, 1).reshape(blocks * lanes, -1)[:trajectories]


def to_lanes(rows):
    """Return rows interleaved into blocks, (blocks, parameters * lanes), the last one filled with zeros."""
    count, size = rows.shape
    lanes = lane_count(rows.dtype)
    blocks = -(-count // lanes)
    padded = np.zeros((blocks * lanes, size), dtype=rows.dtype)
    padded[:count] = rows
    state = aligned((blocks, size * lanes), rows.dtype)
    state[...] = padded.reshape(blocks, lanes, size).transpose(0, 2, 1).reshape(blocks, size * lanes)
    return state
