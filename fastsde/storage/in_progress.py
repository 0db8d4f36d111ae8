"""The folder of an unfinished part: its lock, its checkpoint, and its snapshots so far.

    unfinished/<model>-<first>-<count>/
        lock                 locked (flock) by the process that computes the part
        state.h5             the last checkpoint
        snapshots-<n>.h5     snapshots from number n on, one file per checkpoint
        progress.json        progress, speed and process

It is removed when the part's file is complete.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import re
import shutil
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastsde.storage.checkpoint_file import read_checkpoint, write_checkpoint
from fastsde.storage.checksum import sound
from fastsde.storage.layout import UNFINISHED_FOLDER
from fastsde.storage.plan import Part
from fastsde.storage.snapshot_files import Source, Sources
from fastsde.system import provenance
from fastsde.system.atomic import discard, listed, present, sweep, temporary_sibling
from fastsde.system.errors import DamageError, DiskError, StoreError
from fastsde.system.hdf5 import reading
from fastsde.system.locks import Lock, held

if TYPE_CHECKING:
    from fastsde.integrate.checkpoint import Checkpoint
    from fastsde.study.study import Study

__all__ = ["Unfinished", "found", "look"]

STATE, LOCK, PROGRESS = "state.h5", "lock", "progress.json"
REPORT_SECONDS = 2.0
"""Seconds between two updates of the progress file."""
_NAME = re.compile(r"^(?P<model>.+)-(?P<first>\d{12})-(?P<count>\d+)$")


class Unfinished:
    """An unfinished part, locked by this process.

    Examples
    --------
    >>> unfinished = Unfinished.take("runs/saddle", Part("sgd", 0, 8192))  # doctest: +SKIP
    >>> unfinished is None  # another process computes it  # doctest: +SKIP
    False
    """

    def __init__(self, part: Part, folder: Path, lock: Lock) -> None:
        self.part, self.folder = part, folder
        self._lock = lock
        self._begun = time.monotonic()
        self._reported = -REPORT_SECONDS

    @classmethod
    def take(cls, directory: Path | str, part: Part) -> Unfinished | None:
        """Lock a part; None if another process has locked it."""
        folder = folder_of(directory, part)
        try:
            lock = Lock.take(folder / LOCK)
        except OSError as error:
            raise DiskError.about(folder / LOCK, error) from error
        if lock is None:
            return None
        sweep(folder)
        return cls(part, folder, lock)

    def load(self, study: Study, also: Sequence[Source] = ()) -> tuple[Checkpoint | None, Sources]:
        """Return the last checkpoint and the snapshots before it, some of which may be in other files `also`.

        Damaged files are deleted. Files that cannot be read are kept, and raise an `UnreadableError`.
        """
        loaded = _load(self.folder, study, self.part, also)
        if loaded is None:
            self._clear()
            return None, Sources(study, self.part)
        return loaded

    def save(self, study: Study, checkpoint: Checkpoint) -> None:
        """Write a checkpoint; its snapshots must have been written before."""
        write_checkpoint(self.folder / STATE, study, self.part, checkpoint)

    def segment(self, begin: int) -> Path:
        """Return the path of the segment whose first snapshot is number `begin`."""
        return self.folder / f"snapshots-{begin:06d}.h5"

    def tell(self, step: int, steps: int, done: int, threads: int) -> None:
        """Write the progress of the part, every two seconds, for `fastsde status`.

        Parameters
        ----------
        step, steps
            Integrator steps done so far and in total, averaged over the trajectories.
        done
            Trajectory-steps done by this process.
        threads
            Number of threads.
        """
        now = time.monotonic()
        if now - self._reported < REPORT_SECONDS:
            return
        self._reported = now
        seconds = max(now - self._begun, 1e-3)
        progress = {
            "step": step,
            "steps": steps,
            "rate": done / seconds,
            "threads": threads,
            "host": provenance.host()["name"],
            "process": os.getpid(),
            "updated": provenance.now(),
        }
        temporary = temporary_sibling(self.folder / PROGRESS)
        try:
            temporary.write_text(json.dumps(progress), encoding="utf-8")
            os.replace(temporary, self.folder / PROGRESS)
        except OSError:  # a full disk is reported elsewhere; a missing progress file is no reason to stop
            discard(temporary)

    def release(self) -> None:
        """Unlock the part, and remove its folder unless it has a checkpoint."""
        with contextlib.suppress(OSError):  # if the folder cannot be inspected, nothing is removed
            if not present(self.folder / STATE):
                shutil.rmtree(self.folder, ignore_errors=True)
        self._lock.release()
        _remove_if_empty(self.folder.parent)

    def finish(self) -> None:
        """Remove the folder, because the part's file is complete."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self._lock.release()
        _remove_if_empty(self.folder.parent)

    def _clear(self) -> None:
        for path in listed(self.folder, ".h5"):
            discard(path)


def folder_of(directory: Path | str, part: Part) -> Path:
    """Return the folder of an unfinished part."""
    return Path(directory) / UNFINISHED_FOLDER / f"{part.model}-{part.first:012d}-{part.count}"


def found(directory: Path | str) -> Iterator[tuple[Part, dict[str, Any] | None, bool]]:
    """Yield every unfinished part, its last progress report, and whether a process is working on it."""
    for folder in listed(Path(directory) / UNFINISHED_FOLDER, ""):
        match = _NAME.match(folder.name)
        if match:
            part = Part(match["model"], int(match["first"]), int(match["count"]))
            yield part, _progress(folder), held(folder / LOCK)


def look(directory: Path | str, part: Part, study: Study) -> tuple[Checkpoint, Sources] | None:
    """Return a part's last checkpoint and the snapshots before it, unchanged; None if there is none.

    The study may be shorter than the one that is being computed. If a file cannot be read, an
    `UnreadableError` is raised.
    """
    return _load(folder_of(directory, part), study, part, ())


def saved_step(directory: Path | str, part: Part) -> int | None:
    """Return the integrator step of a part's checkpoint; None if there is none.

    Its checksum is not verified. If it cannot be read, an `UnreadableError` is raised.
    """
    from fastsde.storage import netcdf

    path = folder_of(directory, part) / STATE
    try:
        with reading(path), netcdf.open_old(path) as file:
            return int(file.attrs["step"])
    except StoreError as error:
        _reraise_unreadable(error)
        return None


def _load(
    folder: Path, study: Study, part: Part, also: Sequence[Source]
) -> tuple[Checkpoint, Sources] | None:
    from fastsde.study.compatibility import lineage_of, same_code

    try:
        checkpoint, text = read_checkpoint(folder / STATE)
    except StoreError as error:
        _reraise_unreadable(error)
        return None
    if not same_code(text, study) or lineage_of(text, part.model) != study.lineage(part.model):
        return None
    files = [Source(path) for path in listed(folder, ".h5") if path.name != STATE and _sound(path)]
    sources = Sources(study, part, [*also, *files])
    steps = study.time.snapshot_steps() * study.models[part.model].substeps
    taken = int((steps < checkpoint.step).sum())
    if not sources.have(taken) or len(checkpoint.diverged) != part.count:
        return None
    return dataclasses.replace(checkpoint, snapshots=taken), sources


def _reraise_unreadable(error: StoreError) -> None:
    """Raise an error again unless it means that the file is absent or damaged: the file may be intact."""
    if not isinstance(error, DamageError) and not isinstance(error.__cause__, FileNotFoundError):
        raise error


def _sound(path: Path) -> bool:
    with reading(path):
        return sound(path)


def _progress(folder: Path) -> dict[str, Any] | None:
    try:
        progress = json.loads((folder / PROGRESS).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return progress if isinstance(progress, dict) else None


def _remove_if_empty(folder: Path) -> None:
    with contextlib.suppress(OSError):
        folder.rmdir()
