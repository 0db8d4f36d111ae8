"""Where the time of a run goes: seconds by purpose, of the thread that asked for them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

__all__ = ["spend", "stopwatch"]

_Running = tuple[dict[str, float], list[str], list[float]]
_RUNNING: ContextVar[_Running | None] = ContextVar("running", default=None)


@contextmanager
def stopwatch(rest: str = "other") -> Iterator[dict[str, float]]:
    """Give the seconds of what is done within the block, by purpose; they are whole when it ends.

    Every second counts once: for the innermost purpose (`spend`), or for `rest` where there is none.

    Examples
    --------
    >>> with stopwatch() as seconds:
    ...     with spend("write"):
    ...         with spend("copy"):
    ...             pass
    >>> sorted(seconds)
    ['copy', 'other', 'write']
    """
    seconds: dict[str, float] = {}
    token = _RUNNING.set((seconds, [rest], [time.perf_counter()]))
    try:
        yield seconds
    finally:
        _account()
        _RUNNING.reset(token)


@contextmanager
def spend(purpose: str) -> Iterator[None]:
    """Count the time of the block for a purpose; without a `stopwatch` around it, do nothing."""
    running = _RUNNING.get()
    if running is None:
        yield
        return
    _account()
    running[1].append(purpose)
    try:
        yield
    finally:
        _account()
        running[1].pop()


def _account() -> None:
    """Add the time since the last call to what is being done."""
    running = _RUNNING.get()
    if running is not None:
        seconds, purposes, since = running
        now = time.perf_counter()
        seconds[purposes[-1]] = seconds.get(purposes[-1], 0.0) + now - since[0]
        since[0] = now
