"""Threads of a simulated block wait for each other, and a barrier that is missing is seen."""

import numba
import numpy as np
import pytest
from numba import cuda

from fastsde.kernels.gpu import target

assert target.SIMULATED


def neighbours(waits):
    """Return what each of four threads reads that its neighbours have written, round by round."""

    def kernel(seen):
        shared, me = cuda.shared.array(4, numba.int64), cuda.threadIdx.x
        shared[me] = 0
        cuda.syncthreads()
        cuda.syncthreads()
        for turn in range(2):
            shared[me] = 10 * (turn + 1) + me
            if waits:
                cuda.syncthreads()
            seen[turn, me, 0] = shared[(me + 1) % 4]
            seen[turn, me, 1] = shared[(me - 1) % 4]
            cuda.syncthreads()

    seen = np.zeros((2, 4, 2), np.int64)
    cuda.jit(kernel)[1, 4](seen)
    return seen


def test_threads_wait_for_each_other():
    for turn, seen in enumerate(neighbours(True)):
        written = 10 * (turn + 1) + np.arange(4)
        np.testing.assert_array_equal(seen.T, [np.roll(written, -1), np.roll(written, 1)])


def test_a_missing_barrier_is_seen_whoever_writes():
    """The first thread to run finds only old numbers; the order is reversed at every barrier."""
    seen = neighbours(False)
    assert seen[0, 0].tolist() == [0, 0]
    assert seen[1, 3].tolist() == [10, 12]


def test_threads_are_asked_together():
    def kernel(found):
        me = cuda.threadIdx.x
        count, any_of = cuda.syncthreads_count(me < 3), cuda.syncthreads_or(me == 2)
        found[me] = count, any_of, cuda.syncthreads_and(me < 4), cuda.syncthreads_and(me < 3)

    found = np.zeros((4, 4), np.int64)
    cuda.jit(kernel)[1, 4](found)
    np.testing.assert_array_equal(found, [[3, 1, 1, 0]] * 4)


def test_what_a_thread_raises_ends_the_block():
    def kernel(count):
        if cuda.threadIdx.x == 1:
            raise ValueError("of the second thread")
        cuda.syncthreads()

    with pytest.raises(ValueError, match="of the second thread"):
        cuda.jit(kernel)[1, 4](4)
    test_threads_wait_for_each_other()
