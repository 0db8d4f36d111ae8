"""Rows between the host and a GPU, whose arrays have the trajectories fastest.

The device transposes; the host copies rows as they are, in chunks through page-locked memory that is
allocated once, several threads at a time.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastsde.kernels.gpu import arrays, streams

__all__ = ["Buffers", "Rows"]

Array = NDArray[Any]
CHUNK_BYTES = 1 << 25
"""Of the two chunks in which rows are copied while the device transposes the next."""


class Buffers:
    """Arrays that are allocated once and used again, on the device and page-locked on the host.

    Page-locked memory takes a second per few gigabytes to allocate, so it is handed from one integration of a
    process to the next (`keep`).
    """

    _kept: dict[str, Array] = {}  # noqa: RUF012
    _lock = threading.Lock()

    def __init__(self) -> None:
        self._device: dict[str, Any] = {}
        with Buffers._lock:
            self._host, Buffers._kept = Buffers._kept, {}

    def on_device(self, name: str, shape: tuple[int, ...], dtype: Any, rows: bool = False) -> Any:
        """Return an array of the device for a purpose, with trajectories fastest, or with rows."""
        array = self._device.get(name)
        if array is None or array.shape != shape or array.dtype != np.dtype(dtype):
            self._device.pop(name, None)
            make: Callable[..., Any] = arrays.rows if rows else arrays.array
            self._device[name] = make(shape, dtype)
        return self._device[name]

    def on_host(self, name: str, shape: tuple[int, ...], dtype: Any) -> Array:
        """Return page-locked memory of the host for a purpose, as rows."""
        size = int(np.prod(shape)) * np.dtype(dtype).itemsize
        if name not in self._host or len(self._host[name]) < size:
            self._host.pop(name, None)
            self._host[name] = arrays.pinned(max(size, 1))
        found: Array = self._host[name][:size].view(dtype).reshape(shape)
        return found

    def drop(self) -> None:
        """Give the device's memory back."""
        self._device.clear()

    def keep(self) -> None:
        """Give the device's memory back, and leave that of the host to the next integration."""
        self.drop()
        with Buffers._lock:
            Buffers._kept, self._host = self._host, {}


class Rows:
    """Moves rows of trajectories between arrays of the host and of the device.

    Parameters
    ----------
    buffers : Buffers
    stream
        Of the device.
    workers : fastsde.kernels.cpu.Workers
        Threads that copy on the host.
    """

    def __init__(self, buffers: Buffers, stream: Any, workers: Any) -> None:
        self._buffers, self._stream, self._workers = buffers, stream, workers

    def bring(self, source: Any, target: Array) -> None:
        """Copy an array of the device, (rows, columns), to that of the host; return when it is there."""
        waiting: list[tuple[Any, Array, Array]] = []
        for begin, end, there, here in self._chunks(target):
            arrays.rows_from(source, begin, 0, there, self._stream)
            there.copy_to_host(here, stream=self._stream)
            waiting.append((streams.mark(self._stream), here, target[begin:end]))
            if len(waiting) > 1:
                self._land(*waiting.pop(0))
        for one in waiting:
            self._land(*one)

    def send(self, source: Array, target: Any) -> None:
        """Copy rows of the host to an array of the device; columns that the rows do not have become 0."""
        busy: list[Any] = []
        for begin, end, there, here in self._chunks(source):
            if len(busy) > 1:
                busy.pop(0).synchronize()
            self._copy(here, source[begin:end])
            there.copy_to_device(here, stream=self._stream)
            arrays.rows_into(there, target, begin, self._stream)
            busy.append(streams.mark(self._stream))
        for event in busy:
            event.synchronize()

    def _chunks(self, rows: Array) -> Any:
        """Yield first and last row of the chunks of an array, with memory of the device and of the host."""
        count, width = rows.shape
        if not rows.size:
            return
        length = min(count, max(1, CHUNK_BYTES // (width * rows.itemsize)))
        for number, begin in enumerate(range(0, count, length)):
            end, name = min(begin + length, count), f"chunk {number % 2} of {rows.dtype}"
            there = self._buffers.on_device(name, (length, width), rows.dtype, rows=True)
            here = self._buffers.on_host(name, (length, width), rows.dtype)
            yield begin, end, there[: end - begin], here[: end - begin]

    def _land(self, event: Any, here: Array, target: Array) -> None:
        event.synchronize()
        self._copy(target, here)

    def _copy(self, target: Array, source: Array) -> None:
        def copy(memory: Any, indices: Any, begin: int, end: int) -> None:
            target[begin:end] = source[begin:end]

        each: Callable[..., Any] = self._workers.map
        for _ in each(copy, self._workers.ranges(len(target), self._workers.threads)):
            pass
