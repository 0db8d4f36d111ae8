"""Streams of a device: what is asked of one is done in order, beside what is asked of another."""

import time

from numba import cuda

from fastsde.kernels.gpu.target import SIMULATED

__all__ = ["after", "device_seconds", "mark", "streams"]


def streams():
    """Return a stream to compute on, and one to copy on."""
    return cuda.stream(), cuda.stream()


def mark(stream):
    """Return an event to wait for (`synchronize`): all that the stream was asked until now."""
    event = cuda.event()
    event.record(stream)
    return event


def after(first, second):
    """Let all that is asked of the stream `second` from now on wait for what `first` was asked until now."""
    mark(first).wait(second)


def device_seconds(work, stream):
    """Return the seconds that what `work` asks of the stream takes on the device."""
    if SIMULATED:
        begun = time.perf_counter()
        work()
        return time.perf_counter() - begun
    begin = mark(stream)
    work()
    end = mark(stream)
    end.synchronize()
    return cuda.event_elapsed_time(begin, end) / 1e3
