"""File locks, which the system releases when a process exits for any reason."""

from __future__ import annotations

import errno
import os
from pathlib import Path

try:
    import fcntl
except ImportError:  # not a POSIX system
    fcntl = None  # type: ignore[assignment]

__all__ = ["Lock", "held"]

ATTEMPTS = 100
_BUSY = (errno.EAGAIN, errno.EACCES)


class Lock:
    """An exclusive lock on a file (``flock``), released by `release` or when the process exits.

    On a file system without locks every process obtains the lock. This is safe: two processes that compute
    the same part only waste time.
    """

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path, self._descriptor = path, descriptor

    @classmethod
    def take(cls, path: Path) -> Lock | None:
        """Lock `path`, creating it and its folder if absent; None if another process has locked it."""
        for attempt in range(ATTEMPTS):
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
            except FileNotFoundError:  # another process has finished, and removed the folder
                if attempt == ATTEMPTS - 1:
                    raise
                continue
            if not _flock(descriptor):
                os.close(descriptor)
                return None
            if _same(descriptor, path):
                return cls(path, descriptor)
            os.close(descriptor)
        return None

    def release(self) -> None:
        """Release the lock; the file remains."""
        os.close(self._descriptor)


def held(path: Path) -> bool:
    """Return whether a running process has locked `path`."""
    try:
        descriptor = os.open(path, os.O_RDWR)
    except OSError:
        return False
    try:
        return not _flock(descriptor)
    finally:
        os.close(descriptor)


def _flock(descriptor: int) -> bool:
    if fcntl is None:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno not in _BUSY
    return True


def _same(descriptor: int, path: Path) -> bool:
    """Return whether `path` is still the file that was opened."""
    try:
        there = os.stat(path)
    except FileNotFoundError:
        return False
    here = os.fstat(descriptor)
    return (here.st_dev, here.st_ino) == (there.st_dev, there.st_ino)
