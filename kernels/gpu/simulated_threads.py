"""How numba's simulator runs the threads of a block: one at a time, from barrier to barrier.

Numba's own way polls: a loop asks all threads in turn whether they have come to a barrier, and takes most of
the interpreter's time from them. Here each thread runs until it waits, and lets the next one run. The order
of the threads is reversed at every barrier, so that where one is missing some thread reads an old number,
whatever the rank of its writer.
"""

import threading

import numpy as np
from numba.cuda.simulator import kernel

__all__ = ["install"]


class Turns(threading.Thread):
    """A thread of a block, in place of numba's: it runs when it is its turn."""

    def __init__(self, function, block, block_index, thread_index):
        super().__init__(target=function, daemon=True)
        self.blockIdx, self.threadIdx = kernel.Dim3(*block_index), kernel.Dim3(*thread_index)
        across, down, _ = block.shape
        self.thread_id = thread_index[0] + across * (thread_index[1] + down * thread_index[2])
        self.turn, self._place, self._block = threading.Semaphore(0), thread_index, block

    def run(self):
        """Run the kernel, from the first turn on, and let the next thread run."""
        self.turn.acquire()
        try:
            if self._block.failure is None:
                super().run()
        except Exception as failure:
            self._block.failure = self._block.failure or failure
        self._block.pass_on()

    def syncthreads(self):
        """Wait for the other threads of the block."""
        self._block.waiting.append(self)
        self._block.pass_on()
        self.turn.acquire()
        if self._block.failure is not None:
            raise RuntimeError("another thread of the block has failed")

    def _vote(self, value, count):
        self._block.votes[self._place] = bool(value)
        self.syncthreads()
        found = count(self._block.votes)
        self.syncthreads()
        return int(found)

    def syncthreads_count(self, value):
        """Return for how many threads a condition holds."""
        return self._vote(value, np.count_nonzero)

    def syncthreads_and(self, value):
        """Return whether it holds for all threads."""
        return self._vote(value, np.all)

    def syncthreads_or(self, value):
        """Return whether it holds for any thread."""
        return self._vote(value, np.any)


class Block:
    """The threads of a block, in place of numba's ``BlockManager``.

    Attributes
    ----------
    shape : tuple of int
        Threads in each direction.
    votes : numpy.ndarray
        What threads have been asked about.
    waiting : list of Turns
        At the next barrier.
    failure : Exception or None
        What a thread has raised first: all others end at their barriers.
    """

    def __init__(self, function, grid, shape, debug):
        self._function, self.shape = function, shape
        self.votes, self.failure = np.zeros(shape, bool), None
        self.waiting, self._left, self._all_ended = [], [], threading.Semaphore(0)

    def run(self, index, *args):
        """Run all threads to their ends; what one of them raises is raised again."""
        self.waiting = [
            Turns(lambda: self._function(*args), self, index, thread) for thread in np.ndindex(*self.shape)
        ]
        for thread in self.waiting:
            thread.start()
        self.waiting.reverse()
        self.pass_on()
        self._all_ended.acquire()
        if self.failure is not None:
            raise self.failure

    def pass_on(self):
        """Let the next thread run; behind the last one a barrier opens, and those that waited go on."""
        if not self._left:
            self._left, self.waiting = self.waiting, []  # the last that came is the first to go on
        (self._left.pop().turn if self._left else self._all_ended).release()


def install():
    """Let numba's simulator run blocks so."""
    kernel.BlockManager = Block
