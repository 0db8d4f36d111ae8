"""Report the progress of a long computation: a bar on a terminal, log lines elsewhere, or nothing."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TextIO

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID

__all__ = [
    "Bar",
    "Log",
    "Mode",
    "Progress",
    "Silent",
    "about",
    "by_default",
    "duration",
    "in_notebook",
    "make",
    "quantity",
    "size_text",
]

Mode = Literal["auto", "bar", "log", "none"]


class Progress:
    """Base class of the reporters, which does nothing (see `Silent`).

    A computation opens a task, reports the work done so far, and closes the task. Tasks may be nested:

    >>> progress = Silent()
    >>> with progress.task("sweep", 2, "cases"):
    ...     with progress.task("integrate", 1000, "trajectory-steps"):
    ...         progress.update(500, "sgd")
    ...     progress.update(1, "batch4")
    """

    later = 0.0
    """Seconds that what follows the outermost task is expected to take."""

    @contextlib.contextmanager
    def followed_by(self, seconds: float) -> Iterator[None]:
        """Expect that more follows the tasks of the block, and report the time left of the whole."""
        before, self.later = self.later, self.later + seconds
        try:
            yield
        finally:
            self.later = before

    @contextlib.contextmanager
    def task(self, label: str, total: int, unit: str = "steps") -> Iterator[None]:
        """Report on a task of `total` units while the block runs; updates refer to the innermost task.

        Without a name of the unit, only the share is reported: such as of work whose units are unequal.
        """
        self._start(label, total, unit)
        try:
            yield
        finally:
            self._finish()

    def update(self, done: int, note: str = "") -> None:
        """Report the amount done since the task began, and what is being done, such as a model's name."""

    def reduce(self, total: int) -> None:
        """Report that the innermost task has only `total` units: the others turned out not to be needed."""

    @contextlib.contextmanager
    def aside(self, what: str, detail: str) -> Iterator[None]:
        """Report that the innermost task waits for the block, such as "compiling", whose time is apart.

        It counts for no rate, and thus for no estimate of the time left.
        """
        self._interrupt(what, detail)
        try:
            yield
        finally:
            self._resume()

    def _start(self, label: str, total: int, unit: str) -> None:
        pass

    def _interrupt(self, what: str, detail: str) -> None:
        pass

    def _resume(self) -> None:
        pass

    def _finish(self) -> None:
        pass


class Silent(Progress):
    """Report nothing."""


class Log(Progress):
    """Print a line to a stream at the start and end of a task, after every tenth of it, and every minute.

    A task without updates is reported as still running every minute.

    Parameters
    ----------
    stream
        Stream for the lines; None: the current standard error.
    every
        Longest time between two lines, in seconds.
    least
        Shortest time between two lines, in seconds.
    clock
        Function that returns the time in seconds, for tests.
    """

    def __init__(
        self,
        stream: TextIO | None = None,
        every: float = 60.0,
        least: float = 2.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stream, self._every, self._least, self._clock = stream, every, least, clock
        self._tasks: list[_LogTask] = []
        self._over = threading.Event()
        self._printed_at = 0.0

    def update(self, done: int, note: str = "") -> None:
        """Store the state, and print it if a line is due."""
        if not self._tasks:
            return
        task = self._tasks[-1]
        task.done, task.note = done, note
        waited = self._clock() - task.reported_at
        tenth = 10 * (done - task.reported) >= task.total
        if waited >= self._least and (tenth or waited >= self._every):
            self._report(task)

    def reduce(self, total: int) -> None:
        """Store the new total."""
        if self._tasks:
            self._tasks[-1].total = total

    def _start(self, label: str, total: int, unit: str) -> None:
        self._tasks.append(_LogTask(label, unit, total, begun=self._clock(), reported_at=self._clock()))
        self._print(f"{label}: {quantity(total)} {unit} to do" if unit else f"{label}: begun")
        if len(self._tasks) == 1:
            self._over = threading.Event()
            threading.Thread(target=self._watch, args=(self._over,), daemon=True).start()

    def _watch(self, over: threading.Event) -> None:
        """Print that the innermost task is still running if nothing was printed for `every` seconds."""
        while not over.wait(self._every / 2):
            task = next(iter(self._tasks[-1:]), None)
            if task is not None and self._clock() - self._printed_at >= self._every:
                note = f" {task.note}" if task.note else ""
                self._print(f"{task.label}{note}: running for {duration(self._clock() - task.begun)}")

    def _interrupt(self, what: str, detail: str) -> None:
        if self._tasks:
            task = self._tasks[-1]
            task.aside, task.aside_since, task.note = what, self._clock(), f"{what} {detail}"
            self._print(f"{task.label}: {what} {detail}")

    def _resume(self) -> None:
        if self._tasks:
            task = self._tasks[-1]
            task.apart += self._clock() - task.aside_since
            task.reported_at = self._clock()

    def _finish(self) -> None:
        task = self._tasks.pop()
        if not self._tasks:
            self._over.set()
        seconds = self._clock() - task.begun
        rate = f"{quantity(_rate(task.done, seconds - task.apart))}/s"
        apart = f" apart from {duration(task.apart)} of {task.aside}" if task.apart >= 1 else ""
        if not task.unit:
            share = "" if task.done >= task.total else f"{100 * task.done / task.total:.0f}% "
            self._print(f"{task.label}: {share}done in {duration(seconds)}")
            return
        self._print(
            f"{task.label}: {quantity(task.done)} of {quantity(task.total)} {task.unit} "
            f"in {duration(seconds)} ({rate}{apart})"
        )

    def _report(self, task: _LogTask) -> None:
        task.reported, task.reported_at = task.done, self._clock()
        rate = _rate(task.done, task.reported_at - task.begun - task.apart)
        speed = f", {quantity(rate)} {task.unit}/s" if rate > 0 and task.unit else ""
        seconds = (task.total - task.done) / rate if rate > 0 else 0.0
        left = f", {duration(seconds)} left" if rate > 0 else ""
        of_study = rate > 0 and self.later > 0 and task is self._tasks[0]
        whole = f"; {about(seconds + self.later)} left of the study" if of_study else ""
        share = 100 * task.done / max(1, task.total)
        note = f" {task.note}" if task.note else ""
        self._print(f"{task.label}{note}: {share:.0f}%{speed}{left}{whole}")

    def _print(self, text: str) -> None:
        stream = self._stream or sys.stderr
        self._printed_at = self._clock()
        stream.write(text + "\n")
        stream.flush()


@dataclass
class _LogTask:
    """A task of a log: its description, its progress, and the last progress that was printed."""

    label: str
    unit: str
    total: int
    done: int = 0
    note: str = ""
    begun: float = 0.0
    reported: int = 0
    reported_at: float = 0.0
    aside: str = ""
    aside_since: float = 0.0
    apart: float = 0.0


class Bar(Progress):
    """Draw a bar for each running task: note, percentage, rate, elapsed time and time left.

    The display is refreshed four times a second, so the elapsed time advances even without updates.

    Parameters
    ----------
    stream
        The terminal; None: the current standard error.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream
        self._bar: RichProgress | None = None
        self._tasks: list[_BarTask] = []

    def update(self, done: int, note: str = "") -> None:
        """Advance the bar of the innermost task."""
        if self._bar is not None and self._tasks:
            task = self._tasks[-1]
            rate = _rate(done, time.monotonic() - task.begun)
            speed = f"{quantity(rate)} {task.unit}/s" if rate > 0 and task.unit else ""
            if rate > 0 and self.later > 0 and task is self._tasks[0]:
                speed += f", {about((task.total - done) / rate + self.later)} left of the study;"
            self._bar.update(task.id, completed=done, note=note, rate=speed)

    def _interrupt(self, what: str, detail: str) -> None:
        if self._bar is not None and self._tasks:
            self._tasks[-1].aside_since = time.monotonic()
            self._bar.update(self._tasks[-1].id, note=f"{what} {detail}", rate="")

    def _resume(self) -> None:
        if self._bar is not None and self._tasks:
            self._tasks[-1].begun += time.monotonic() - self._tasks[-1].aside_since
            self._bar.update(self._tasks[-1].id, note="")

    def reduce(self, total: int) -> None:
        """Shorten the bar of the innermost task."""
        if self._bar is not None and self._tasks:
            self._tasks[-1].total = total
            self._bar.update(self._tasks[-1].id, total=max(1, total))

    def _start(self, label: str, total: int, unit: str) -> None:
        begun = time.monotonic()
        if self._bar is None:
            self._bar = self._new()
            self._bar.start()
        task = self._bar.add_task(label, total=max(1, total), completed=0 if total else 1, note="", rate="")
        self._tasks.append(_BarTask(task, unit, begun, total))

    def _new(self) -> RichProgress:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            Progress,
            TaskProgressColumn,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        return Progress(
            TextColumn("{task.description} {task.fields[note]}"),
            BarColumn(bar_width=20),
            TaskProgressColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("left"),
            console=Console(file=self._stream or sys.stderr),
            refresh_per_second=4,
        )

    def _finish(self) -> None:
        task = self._tasks.pop()
        if self._bar is not None and self._tasks:
            self._bar.remove_task(task.id)
        elif self._bar is not None:
            self._bar.stop()
            self._bar = None


@dataclass
class _BarTask:
    """A task of a bar; the time that it waited is added to its beginning."""

    id: TaskID
    unit: str
    begun: float
    total: int = 0
    aside_since: float = 0.0


def make(mode: Mode = "auto", stream: TextIO | None = None) -> Progress:
    """Return the reporter for a mode: "bar", "log", "none", or "auto".

    "auto" is a bar if `stream` is a terminal, or in a notebook.

    Examples
    --------
    >>> type(make("none")).__name__
    'Silent'
    """
    if mode == "auto":
        mode = "bar" if (stream or sys.stderr).isatty() or in_notebook() else "log"
    if mode == "none":
        return Silent()
    return Bar(stream) if mode == "bar" else Log(stream)


def by_default() -> Progress:
    """Return what reports where a caller of the library names nothing: a bar in a notebook, else nothing."""
    return Bar() if in_notebook() else Silent()


def in_notebook() -> bool:
    """Return whether this process is the kernel of a notebook, which draws bars below its cells.

    Examples
    --------
    >>> in_notebook()
    False
    """
    interactive = sys.modules.get("IPython")
    shell = interactive.get_ipython() if interactive is not None else None
    return type(shell).__name__ == "ZMQInteractiveShell"


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


def about(seconds: float) -> str:
    """Write an estimated time, with no more digits than it deserves.

    Examples
    --------
    >>> about(8), about(47), about(200), about(9000)
    ('about 10 s', 'about 50 s', 'about 3 min', 'about 2 h 30 min')
    """
    if seconds < 55:
        return f"about {max(1, round(seconds / 10)) * 10} s"
    minutes = max(1, round(seconds / 60))
    if minutes < 60:
        return f"about {minutes} min"
    hours, rest = divmod(10 * round(minutes / 10), 60)
    return f"about {hours} h {rest} min" if rest else f"about {hours} h"


def size_text(number: float) -> str:
    """Write a number of bytes with three digits.

    Examples
    --------
    >>> size_text(3.2e9)
    '2.98 GiB'
    """
    for factor, unit in (
        (1 << 50, "PiB"),
        (1 << 40, "TiB"),
        (1 << 30, "GiB"),
        (1 << 20, "MiB"),
        (1 << 10, "KiB"),
    ):
        if number >= factor:
            return f"{number / factor:.3g} {unit}"
    return f"{number:.0f} bytes"
