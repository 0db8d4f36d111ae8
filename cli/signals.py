"""Stop cleanly on a signal: soon, and without losing finished work."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from types import FrameType

from fastsde.system.errors import Interrupted

__all__ = ["quietly", "stop_at_once", "stop_when_polled"]

_SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGUSR1", "SIGUSR2") if hasattr(signal, name)
]
INSIST_SECONDS = 1.0
_Handler = Callable[[int, FrameType | None], None]


@contextlib.contextmanager
def stop_when_polled() -> Iterator[Callable[[], bool]]:
    """Yield a function that returns True once INT, TERM, USR1 or USR2 has been received.

    A second INT or TERM stops the program immediately if it arrives at least one second after the first
    signal: the first may be delivered twice, by the terminal and by a scheduler, and a scheduler follows its
    warning (USR1) by TERM.
    """
    received: list[float] = []

    def handle(number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if received:
            if number in (signal.SIGINT, signal.SIGTERM) and now - received[0] >= INSIST_SECONDS:
                raise Interrupted("stopped immediately; finished parts and checkpoints are kept")
            return
        received.append(now)
        name = signal.Signals(number).name
        os.write(sys.__stderr__.fileno() if sys.__stderr__ else 2, f"\n{name}: stopping\n".encode())

    with _handling(handle):
        yield lambda: bool(received)


@contextlib.contextmanager
def stop_at_once() -> Iterator[None]:
    """Raise `Interrupted` as soon as a signal is received."""

    def handle(number: int, frame: FrameType | None) -> None:
        raise Interrupted(f"stopped by {signal.Signals(number).name}; rerun the command to resume")

    with _handling(handle):
        yield


@contextlib.contextmanager
def quietly() -> Iterator[None]:
    """Treat Ctrl-C as the regular end of a command that only displays something."""
    with contextlib.suppress(KeyboardInterrupt):
        yield


@contextlib.contextmanager
def _handling(handler: _Handler) -> Iterator[None]:
    before = {number: signal.signal(number, handler) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)
