"""Compile once what many processes need at once, such as those of a cluster with one shared cache.

Compiled code is kept in one file per function and types of arguments, which is written whole
(`fastsde.kernels.kept`), so that processes may add to the cache at any time. Marks only spare them from
compiling the same code twice: each mark has a lock, and a marker says that its code is there.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from fastsde.system.errors import Interrupted
from fastsde.system.locks import Lock

__all__ = ["POLL_SECONDS", "is_there", "once", "unless_taken"]

POLL_SECONDS = 0.2


def is_there(mark: str) -> bool:
    """Return whether the compile cache has a mark."""
    return _marker(mark).exists()


def _marker(mark: str) -> Path:
    from fastsde.kernels.options import CACHE_FOLDER

    return Path(CACHE_FOLDER) / f"ready-{mark}"


def once(mark: str, work: Callable[[], object], stop: Callable[[], bool] = lambda: False) -> None:
    """Do what adds to the compile cache, unless the cache has its mark, or soon has it from another process.

    Raises
    ------
    Interrupted
        If `stop` says so while another process compiles.
    """
    marker = _marker(mark)
    if marker.exists():
        return
    _complete(marker, work, _wait_for(_lock(marker), marker, stop))


def unless_taken(mark: str, work: Callable[[], object]) -> None:
    """Do the same, but wait for no other process that is doing it."""
    marker = _marker(mark)
    if marker.exists():
        return
    try:
        lock = Lock.take(_lock(marker))
    except OSError:
        return
    if lock is not None:
        _complete(marker, work, lock)


def _lock(marker: Path) -> Path:
    return marker.with_name(marker.name.replace("ready-", "lock-"))


def _complete(marker: Path, work: Callable[[], object], lock: Lock | None) -> None:
    try:
        if not marker.exists():
            work()
            marker.touch()
    except PermissionError:  # another's cache, in which nothing can be kept
        pass
    finally:
        if lock is not None:
            lock.release()


def _wait_for(path: Path, marker: Path, stop: Callable[[], bool]) -> Lock | None:
    """Return the lock; None if the marker came meanwhile, or where there is nothing to lock."""
    wake = threading.Event()
    while not marker.exists():
        try:
            lock = Lock.take(path)
        except OSError:
            return None
        if lock is not None:
            return lock
        if stop():
            raise Interrupted("stopped while another process compiles")
        wake.wait(POLL_SECONDS)
    return None
