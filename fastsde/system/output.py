"""A file for HDF5 to write to, which keeps the disk's refusals from HDF5."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

__all__ = ["Output"]


class Output(io.RawIOBase):
    """An empty file, written and read at any position, that remembers the first error instead of raising it.

    HDF5 cannot close a file whose last blocks the disk refuses: it keeps them, tries again whenever another
    object is closed, and crashes in the end. So HDF5 is never told. From the first
    refusal on, what it writes is kept in memory, where it finds it again; whoever writes asks `check` often
    enough that this is little, and closes the file, which then is worth nothing.

    Parameters
    ----------
    path
        The file; it is replaced if it is there.

    Attributes
    ----------
    refusal
        The first error of writing; None so far.

    Raises
    ------
    OSError
        If the file cannot be made.
    """

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o666)
        self._position = self._size = 0
        self._kept: list[tuple[int, bytes]] = []
        self.refusal: OSError | None = None

    def check(self) -> None:
        """Raise the first error of writing, if there was one."""
        if self.refusal is not None:
            raise self.refusal

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Set the position at which the next call reads or writes."""
        begin = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}[whence]
        self._position = begin + offset
        return self._position

    def tell(self) -> int:
        """Return the position."""
        return self._position

    def write(self, data: ReadableBuffer, /) -> int:
        """Write all of the data, or keep it."""
        view = memoryview(data).cast("B")
        if self.refusal is None:
            try:
                self._write(view)
            except OSError as error:
                self.refusal = error
        if self.refusal is not None:
            self._kept.append((self._position, bytes(view)))
        self._position += len(view)
        self._size = max(self._size, self._position)
        return len(view)

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Read what was written last at the position; zeros where nothing was."""
        view = memoryview(buffer).cast("B")
        begin, size = self._position, max(0, min(len(view), self._size - self._position))
        end = begin + size
        there = os.pread(self._descriptor, size, begin)
        view[:size] = there.ljust(size, b"\0")
        for at, data in self._kept:
            low, high = max(begin, at), min(end, at + len(data))
            if low < high:
                view[low - begin : high - begin] = data[low - at : high - at]
        self._position = end
        return size

    def truncate(self, size: int | None = None, /) -> int:
        """Make the file shorter, or longer with zeros."""
        self._size = self._position if size is None else size
        if self.refusal is None:
            try:
                os.ftruncate(self._descriptor, self._size)
            except OSError as error:
                self.refusal = error
        return self._size

    def close(self) -> None:
        """Close the file; a disk may refuse only now what it has taken."""
        if self.closed:
            return
        super().close()
        try:
            os.close(self._descriptor)
        except OSError as error:
            self.refusal = self.refusal or error

    def readable(self) -> bool:
        """Say that the file can be read."""
        return True

    def writable(self) -> bool:
        """Say that the file can be written."""
        return True

    def seekable(self) -> bool:
        """Say that the file has positions."""
        return True

    def _write(self, view: memoryview) -> None:
        done = 0
        while done < len(view):
            done += os.pwrite(self._descriptor, view[done:], self._position + done)
