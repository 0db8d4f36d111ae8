"""Locks that the system lets go when a process ends, however it ends."""

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
    """An exclusive lock on a file (``flock``), let go by `release` or by the end of the process.

    Where the file system has no locks, everyone gets one: files are written so that two processes on the same
    work only waste it.
    """

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path, self._descriptor = path, descriptor

    @classmethod
    def take(cls, path: Path) -> Lock | None:
        """Lock `path`, made if absent together with its folder; None if another process has it."""
        for attempt in range(ATTEMPTS):
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
            except FileNotFoundError:  # the folder was removed in between by one who had finished
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
        """Let go; the file stays."""
        os.close(self._descriptor)


def held(path: Path) -> bool:
    """Say whether a living process has the lock on `path`."""
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
    """Say whether `path` still is the file that was opened."""
    try:
        there = os.stat(path)
    except FileNotFoundError:
        return False
    here = os.fstat(descriptor)
    return (here.st_dev, here.st_ino) == (there.st_dev, there.st_ino)
