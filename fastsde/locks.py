"""Locks that the system lets go when a process ends, however it ends."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path

try:
    import fcntl
except ImportError:  # not a POSIX system
    fcntl = None  # type: ignore[assignment]

__all__ = ["Lock", "held", "waiting"]

_BUSY = (errno.EAGAIN, errno.EACCES)


class Lock:
    """An exclusive lock on a file (``flock``), let go by `release` or by the end of the process.

    Where the file system has no locks, everyone gets one: files are written so that two processes on the same
    work only waste it.
    """

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path, self._descriptor = path, descriptor

    @classmethod
    def take(cls, path: Path, *, wait: bool = False) -> Lock | None:
        """Lock `path`, made if absent together with its folder; None if another process has it."""
        while True:
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
            except FileNotFoundError:  # the folder was removed in between by one who had finished
                continue
            if not _flock(descriptor, wait):
                os.close(descriptor)
                return None
            if _same(descriptor, path):
                return cls(path, descriptor)
            os.close(descriptor)

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
        return not _flock(descriptor, wait=False)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def waiting(path: Path) -> Iterator[None]:
    """Wait for the lock on `path`, and hold it while the block runs."""
    lock = Lock.take(path, wait=True)
    try:
        yield
    finally:
        if lock is not None:
            lock.release()


def _flock(descriptor: int, wait: bool) -> bool:
    if fcntl is None:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
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
