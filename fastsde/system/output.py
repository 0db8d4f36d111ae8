"""A file for HDF5 to write to, which hides write errors of the disk from HDF5."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

__all__ = ["Output"]


class Output(io.RawIOBase):
    """A new file, written and read at any position, that stores the first write error instead of raising it.

    HDF5 cannot close a file if its last blocks cannot be written: it keeps them, tries again whenever another
    object is closed, and finally crashes. Therefore errors are hidden from HDF5. After the first error, data
    that HDF5 writes are kept in memory, where it can read them again. The code that writes calls `check`
    regularly, so that this is little, and then closes and discards the file.

    Parameters
    ----------
    path
        The file; an existing one is replaced.

    Attributes
    ----------
    refusal
        The first write error; None if there was none.

    Raises
    ------
    OSError
        If the file cannot be created.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o666)
        except OSError:
            super().close()  # otherwise the finaliser would close a descriptor that does not exist
            raise
        self._position = self._size = 0
        self._kept: list[tuple[int, bytes]] = []
        self.refusal: OSError | None = None

    def check(self) -> None:
        """Raise the first write error, if there was one."""
        if self.refusal is not None:
            raise self.refusal

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Set the position of the next read or write."""
        begin = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}[whence]
        self._position = begin + offset
        return self._position

    def tell(self) -> int:
        """Return the position."""
        return self._position

    def write(self, data: ReadableBuffer, /) -> int:
        """Write all of the data, or keep it in memory after an error."""
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
        """Read the data at the position; zeros where nothing was written."""
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
        """Shorten the file, or extend it with zeros."""
        self._size = self._position if size is None else size
        if self.refusal is None:
            try:
                os.ftruncate(self._descriptor, self._size)
            except OSError as error:
                self.refusal = error
        return self._size

    def close(self) -> None:
        """Close the file; some write errors are only reported now."""
        if self.closed:
            return
        super().close()
        try:
            os.close(self._descriptor)
        except OSError as error:
            self.refusal = self.refusal or error

    def readable(self) -> bool:
        """Return True: the file can be read."""
        return True

    def writable(self) -> bool:
        """Return True: the file can be written."""
        return True

    def seekable(self) -> bool:
        """Return True: the position can be set."""
        return True

    def _write(self, view: memoryview) -> None:
        done = 0
        while done < len(view):
            done += os.pwrite(self._descriptor, view[done:], self._position + done)
