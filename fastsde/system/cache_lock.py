"""Add to the compile cache once, though many processes of a cluster start at once on one shared cache.

Numba's cache is safe to read at any time; but two processes that add to it at once can take the same file
name for different code, and a third would run the wrong one. So a process that must compile has the cache for
itself, and a marker tells the others, which then wait for nobody, that the code is there.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from fastsde.system.errors import Interrupted
from fastsde.system.locks import Lock

__all__ = ["POLL_SECONDS", "is_there", "once"]

POLL_SECONDS = 0.2


def is_there(mark: str) -> bool:
    """Return whether the compile cache has a mark."""
    return _marker(mark).exists()


def _marker(mark: str) -> Path:
    from fastsde.kernels.options import CACHE_FOLDER

    return Path(CACHE_FOLDER) / f"ready-{mark}"


def once(mark: str, work: Callable[[], object], stop: Callable[[], bool] = lambda: False) -> None:
    """Do what adds to the compile cache, unless the cache has the mark of it already; alone with the cache.

    Raises
    ------
    Interrupted
        If `stop` says so while another process compiles.
    """
    marker = _marker(mark)
    if marker.exists():
        return
    lock = _wait_for(marker.parent / "lock", marker, stop)
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
