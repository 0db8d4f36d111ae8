"""The folder of a part that is being computed: its lock, its checkpoint, its snapshots so far.

    unfinished/<model>-<first>-<count>/
        lock                 held (flock) by the process that computes
        state.h5             the last checkpoint
        snapshots-<n>.h5     snapshots from number n on, one file a checkpoint
        progress.json        how far, how fast, and who

It goes when the part's file stands.
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
TOLD_EVERY = 2.0
"""Seconds between two writings of the progress."""
_NAME = re.compile(r"^(?P<model>.+)-(?P<first>\d{12})-(?P<count>\d+)$")


class Unfinished:
    """One part on its way, held by this process.

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
        self._told = -TOLD_EVERY

    @classmethod
    def take(cls, directory: Path | str, part: Part) -> Unfinished | None:
        """Take a part; None if another process has it."""
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
        """Return the last checkpoint and the snapshots before it, which may stand in other files `also`.

        What is damaged or torn is thrown away; what cannot be read is not, and an `UnreadableError`.
        """
        loaded = _load(self.folder, study, self.part, also)
        if loaded is None:
            self._clear()
            return None, Sources(study, self.part)
        return loaded

    def save(self, study: Study, checkpoint: Checkpoint) -> None:
        """Write a checkpoint; its snapshots must stand already."""
        write_checkpoint(self.folder / STATE, study, self.part, checkpoint)

    def segment(self, begin: int) -> Path:
        """Return the path of the segment whose first snapshot is number `begin`."""
        return self.folder / f"snapshots-{begin:06d}.h5"

    def tell(self, step: int, steps: int, done: int, threads: int) -> None:
        """Note, every other second, how far the part is, for `fastsde status`.

        Parameters
        ----------
        step, steps
            Integrator steps done and wanted, averaged over the trajectories.
        done
            Trajectory-steps done by this process.
        threads
            Threads at work.
        """
        now = time.monotonic()
        if now - self._told < TOLD_EVERY:
            return
        self._told = now
        seconds = max(now - self._begun, 1e-3)
        told = {
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
            temporary.write_text(json.dumps(told), encoding="utf-8")
            os.replace(temporary, self.folder / PROGRESS)
        except OSError:  # a full disk shows elsewhere; that nobody can look on is no reason to stop
            discard(temporary)

    def release(self) -> None:
        """Let the part go; the folder stays only if there is a checkpoint in it."""
        with contextlib.suppress(OSError):  # if the system does not tell, nothing is removed
            if not present(self.folder / STATE):
                shutil.rmtree(self.folder, ignore_errors=True)
        self._lock.release()
        _remove_if_empty(self.folder.parent)

    def finish(self) -> None:
        """Remove the folder: the part's file stands."""
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
    """Yield every part with a folder: which, what its process last told, and whether one is at work on it."""
    for folder in listed(Path(directory) / UNFINISHED_FOLDER, ""):
        match = _NAME.match(folder.name)
        if match:
            part = Part(match["model"], int(match["first"]), int(match["count"]))
            yield part, _told(folder), held(folder / LOCK)


def look(directory: Path | str, part: Part, study: Study) -> tuple[Checkpoint, Sources] | None:
    """Return a part's last checkpoint and the snapshots before it, without touching them; None without one.

    The study may be shorter than the one that is being computed. Where files cannot be read, this raises an
    `UnreadableError`.
    """
    return _load(folder_of(directory, part), study, part, ())


def saved_step(directory: Path | str, part: Part) -> int | None:
    """Return the integrator step of a part's checkpoint without looking at its checksum; None without one.

    Where it cannot be read, this raises an `UnreadableError`.
    """
    from fastsde.storage import netcdf

    path = folder_of(directory, part) / STATE
    try:
        with reading(path), netcdf.open_old(path) as file:
            return int(file.attrs["step"])
    except StoreError as error:
        _refuse_unknown(error)
        return None


def _load(
    folder: Path, study: Study, part: Part, also: Sequence[Source]
) -> tuple[Checkpoint, Sources] | None:
    from fastsde.study.compatibility import lineage_of, same_code

    try:
        checkpoint, text = read_checkpoint(folder / STATE)
    except StoreError as error:
        _refuse_unknown(error)
        return None
    if not same_code(text, study) or lineage_of(text, part.model) != study.lineage(part.model):
        return None
    files = [Source(path) for path in listed(folder, ".h5") if path.name != STATE and _sound(path)]
    sources = Sources(study, part, [*also, *files])
    steps = study.time.snapshot_steps() * study.models[part.model].substeps
    taken = int((steps < checkpoint.step).sum())
    if not sources.have(taken) or len(checkpoint.exploded) != part.count:
        return None
    return dataclasses.replace(checkpoint, snapshots=taken), sources


def _refuse_unknown(error: StoreError) -> None:
    """Raise an error again unless it says that a file is absent or damaged: then it may be neither."""
    if not isinstance(error, DamageError) and not isinstance(error.__cause__, FileNotFoundError):
        raise error


def _sound(path: Path) -> bool:
    with reading(path):
        return sound(path)


def _told(folder: Path) -> dict[str, Any] | None:
    try:
        told = json.loads((folder / PROGRESS).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return told if isinstance(told, dict) else None


def _remove_if_empty(folder: Path) -> None:
    with contextlib.suppress(OSError):
        folder.rmdir()
