"""What a kill costs: a process notes the work it does and what of it is saved, and the rest is lost."""

from __future__ import annotations

import os
import statistics
import time
from dataclasses import dataclass, field
from pathlib import Path


def note(path: Path) -> None:
    """Make this process append to a file what it computes and saves, one line each, unbuffered."""
    from fastsde.integrate.cpu_ensemble import Blocks
    from fastsde.run import worker
    from fastsde.storage import recorder

    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def line(what: str, part: object) -> None:
        os.write(descriptor, f"{what} {part.model}-{part.first} {time.monotonic()}\n".encode())

    def around(owner: type, name: str, part_of, before: str, after: str) -> None:
        function = getattr(owner, name)

        def noted(self, *arguments, **options):
            part = part_of(self, *arguments)
            if before:
                line(before, part)
            result = function(self, *arguments, **options)
            if after:
                line(after, part)
            return result

        setattr(owner, name, noted)

    current = []
    around(
        worker.Session, "_record", lambda self, item, folder: current.append(item.part) or item.part, "", ""
    )
    around(worker.Session, "_load", lambda self, item, folder: item.part, "", "loaded")
    around(Blocks, "advance", lambda self, to: current[-1], "begun", "done")
    around(recorder.Recorder, "checkpoint", lambda self, checkpoint: self._part, "", "saved")
    around(recorder.Recorder, "wait", lambda self: self._part, "", "saved")


@dataclass
class Losses:
    """The work lost by kills, and the check that it is no more than was promised.

    Parameters
    ----------
    interval
        Seconds between two checkpoints.
    """

    interval: float
    seconds: list[float] = field(default_factory=list)
    """Of each kill: computing that was done and is lost, of all parts together."""
    slices: list[float] = field(default_factory=list)
    """Of each kill: its longest slice."""

    def add(self, path: Path) -> None:
        """Take up the notes of a process that has been killed.

        Raises
        ------
        AssertionError
            If of some part more is lost than the interval and the slice that ended after it.
        """
        lost: dict[str, float] = {}  # only of parts that have been loaded: before, it is compiled
        last: dict[str, float] = {}
        longest = begun = 0.0
        for line in path.read_text().splitlines() if path.exists() else ():
            what, part, when = line.split()
            if what in ("loaded", "saved"):
                lost[part] = last[part] = 0.0
            elif what == "begun":
                begun = float(when)
            elif part in lost:
                last[part] = float(when) - begun
                lost[part] += last[part]
                longest = max(longest, last[part])
        for part, seconds in lost.items():
            if seconds - last[part] > self.interval:
                raise AssertionError(f"{seconds:.3f} s of {part} are lost, saved was every {self.interval} s")
        self.seconds.append(sum(lost.values()))
        self.slices.append(longest)

    def report(self) -> str:
        """Say what was lost, in a sentence."""
        return (
            f"lost work: median {statistics.median(self.seconds):.3f} s, most {max(self.seconds):.3f} s; "
            f"checkpoints every {self.interval} s, slices of at most {max(self.slices):.3f} s"
        )
