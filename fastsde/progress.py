"""Tell how far a long computation is: a bar on a terminal, few lines elsewhere, or nothing."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Literal, TextIO

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress

__all__ = ["Bar", "Log", "Mode", "Progress", "Silent", "duration", "make", "quantity"]

Mode = Literal["auto", "bar", "log", "none"]


class Progress:
    """Base of the reporters, and the one that does nothing (`Silent`).

    A computation opens a task, reports the work done so far, and leaves:

    >>> progress = Silent()
    >>> with progress.task("integrate", 1000, "trajectory-steps"):
    ...     progress.update(500, "sgd")
    """

    @contextlib.contextmanager
    def task(self, label: str, total: int, unit: str = "steps") -> Iterator[None]:
        """Report on a task of `total` units while the block runs; tasks follow one another."""
        self._start(label, total, unit)
        try:
            yield
        finally:
            self._finish()

    def update(self, done: int, note: str = "") -> None:
        """Say how much is done since the task began, and what is being done (a model's name)."""

    def _start(self, label: str, total: int, unit: str) -> None:
        pass

    def _finish(self) -> None:
        pass


class Silent(Progress):
    """Report nothing."""


class Log(Progress):
    """Print a line to a stream at the start, at the end, and between: at every tenth or every minute.

    Parameters
    ----------
    stream
        Where lines go; None: the standard error stream of the moment.
    every
        Longest time between two lines, in seconds.
    least
        Shortest time between two lines, in seconds.
    clock
        Returns seconds; a test gives its own.
    """

    def __init__(
        self,
        stream: TextIO | None = None,
        every: float = 60.0,
        least: float = 2.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stream, self._every, self._least, self._clock = stream, every, least, clock
        self._label, self._unit, self._total = "", "", 0
        self._done, self._note = 0, ""
        self._begun = self._said_at = 0.0
        self._said = 0

    def update(self, done: int, note: str = "") -> None:
        """Keep the state, and print it if it is time to."""
        self._done, self._note = done, note
        waited = self._clock() - self._said_at
        tenth = 10 * (done - self._said) >= self._total
        if waited >= self._least and (tenth or waited >= self._every):
            self._say()

    def _start(self, label: str, total: int, unit: str) -> None:
        self._label, self._total, self._unit = label, total, unit
        self._done, self._note, self._said = 0, "", 0
        self._begun = self._said_at = self._clock()
        self._print(f"{label}: {quantity(total)} {unit} to do")

    def _finish(self) -> None:
        seconds = self._clock() - self._begun
        self._print(
            f"{self._label}: {quantity(self._done)} of {quantity(self._total)} {self._unit} "
            f"in {duration(seconds)} ({quantity(_rate(self._done, seconds))}/s)"
        )

    def _say(self) -> None:
        self._said, self._said_at = self._done, self._clock()
        rate = _rate(self._done, self._said_at - self._begun)
        left = duration((self._total - self._done) / rate) if rate > 0 else "unknown"
        share = 100 * self._done / max(1, self._total)
        note = f" {self._note}" if self._note else ""
        self._print(f"{self._label}{note}: {share:.0f}%, {quantity(rate)} {self._unit}/s, {left} left")

    def _print(self, text: str) -> None:
        stream = self._stream or sys.stderr
        stream.write(text + "\n")
        stream.flush()


class Bar(Progress):
    """Draw a bar with the model, the share done, the rate and the time left.

    Parameters
    ----------
    stream
        The terminal; None: the standard error stream of the moment.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream
        self._bar: RichProgress | None = None
        self._unit = ""
        self._begun = 0.0

    def update(self, done: int, note: str = "") -> None:
        """Move the bar."""
        if self._bar is not None:
            rate = _rate(done, time.monotonic() - self._begun)
            self._bar.update(
                self._bar.task_ids[0], completed=done, note=note, rate=f"{quantity(rate)} {self._unit}/s"
            )

    def _start(self, label: str, total: int, unit: str) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

        self._unit, self._begun = unit, time.monotonic()
        self._bar = Progress(
            TextColumn("{task.description} {task.fields[note]}"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            TextColumn("left"),
            console=Console(file=self._stream or sys.stderr),
            refresh_per_second=4,
        )
        self._bar.add_task(label, total=max(1, total), completed=0 if total else 1, note="", rate="")
        self._bar.start()

    def _finish(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None


def make(mode: Mode = "auto", stream: TextIO | None = None) -> Progress:
    """Return the reporter for a mode: "bar", "log", "none", or "auto" (a bar if `stream` is a terminal).

    Examples
    --------
    >>> type(make("none")).__name__
    'Silent'
    """
    if mode == "auto":
        mode = "bar" if (stream or sys.stderr).isatty() else "log"
    if mode == "none":
        return Silent()
    return Bar(stream) if mode == "bar" else Log(stream)


def _rate(done: int, seconds: float) -> float:
    return done / seconds if seconds > 0 else 0.0


def quantity(number: float) -> str:
    """Write a count with three digits and a prefix: 1.23 M."""
    for factor, prefix in ((1e12, " T"), (1e9, " G"), (1e6, " M"), (1e3, " k")):
        if abs(number) >= factor:
            return f"{number / factor:.3g}{prefix}"
    return f"{number:.3g}"


def duration(seconds: float) -> str:
    """Write a time as 1:02:03, 2:03 or 3 s."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    hours, rest = divmod(whole, 3600)
    minutes, rest = divmod(rest, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
