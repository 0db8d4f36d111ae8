"""The part files in a run's directory: complete, extendable, broken or unreadable."""

from __future__ import annotations

import os
from bisect import insort
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from fastsde.storage import netcdf, schema
from fastsde.storage.checksum import Advance, Seal, broken, read_seal, verification
from fastsde.storage.layout import PARTS_FOLDER
from fastsde.storage.plan import Part
from fastsde.study.compatibility import check_same_code, differences, lineage_of, same_times, study_of_text
from fastsde.system.atomic import listed
from fastsde.system.errors import DamageError, Interrupted, StoreError, UnreadableError
from fastsde.system.hdf5 import reading
from fastsde.system.provenance import BEARING, read_versions, version_differences, versions

if TYPE_CHECKING:
    from fastsde.study.study import Study
    from fastsde.system.progress import Progress

__all__ = ["Broken", "Standing", "Stock", "Unreadable", "check_versions", "inspect", "take_stock"]


@dataclass(frozen=True, order=True)
class Standing:
    """A part whose file exists and is intact.

    Attributes
    ----------
    part, path
        The part, and its file.
    steps
        Learning-rate steps it covers; the study may have more.
    seal
        Its checksum; None in files of format 1.0.
    versions
        Versions with which it was computed.
    seconds
        Time that took; NaN in files of format 1.0.
    modified
        Time of the file's last modification, in nanoseconds, from before the file was read.
    """

    part: Part
    path: Path = field(compare=False)
    steps: int = field(compare=False)
    seal: Seal | None = field(compare=False)
    versions: dict[str, str] = field(compare=False)
    seconds: float = field(compare=False)
    modified: int = field(compare=False)


@dataclass(frozen=True)
class Broken:
    """A part file whose content was read and is wrong, and the reason."""

    path: Path
    reason: str


@dataclass(frozen=True)
class Unreadable:
    """A part file that the system refuses to read, and the reason; it may be intact."""

    path: Path
    reason: str


@dataclass(frozen=True)
class Stock:
    """The parts of a study in a directory, ordered by the model's name and the first trajectory.

    Attributes
    ----------
    whole
        Parts that cover the whole study.
    shorter
        Parts of an earlier, shorter study, from whose end integration can continue.
    broken
        Files that were truncated, changed or renamed.
    unreadable
        Files that the system refuses to read; they may be intact.
    """

    whole: list[Standing]
    shorter: list[Standing]
    broken: list[Broken]
    unreadable: list[Unreadable]

    def add(self, item: Standing | Broken | Unreadable, steps: int) -> None:
        """Add a result of `inspect`; `steps` is the number of steps of the study."""
        if isinstance(item, Unreadable):
            if os.path.lexists(item.path):  # otherwise another process has replaced it in the meantime
                self.unreadable.append(item)
        elif isinstance(item, Broken):
            self.broken.append(item)
        else:
            insort(self.whole if item.steps == steps else self.shorter, item)

    def refuse_broken(self) -> None:
        """Raise a `StoreError` that names the files that cannot be used, if there are any."""
        self.refuse_unreadable()
        if self.broken:
            raise StoreError(
                f"broken part files:\n{_named(self.broken)}\n"
                "Fix: `fastsde run --repair` recomputes them; the broken files are removed afterwards"
            )

    def refuse_unreadable(self) -> None:
        """Raise an `UnreadableError` that names the unreadable files, if there are any."""
        if self.unreadable:
            raise UnreadableError(
                f"part files that cannot be read:\n{_named(self.unreadable)}\n"
                "They may be intact: nothing was changed, and --repair leaves them untouched"
            )


def take_stock(
    study: Study,
    directory: Path | str,
    *,
    verify: bool = False,
    among: range | None = None,
    stop: Callable[[], bool] | None = None,
    progress: Progress | None = None,
) -> Stock:
    """Inspect every part file of the study's models in a directory.

    Parameters
    ----------
    study, directory
        The study, and the directory of the run; the parts are in ``directory/parts``.
    verify
        Verify every checksum; otherwise only lengths are compared.
    among
        Inspect only parts that may have trajectories in this range.
    stop
        Called before every file; the inspection stops if it returns True.
    progress
        Reports the bytes read while checksums are verified; None: silent.

    Raises
    ------
    StoreError
        If an intact file belongs to another study.
    UnreadableError
        If the folder cannot be read.
    Interrupted
        If stopped by `stop`.
    """
    stock = Stock([], [], [], [])
    paths = _candidates(study, Path(directory) / PARTS_FOLDER, among)
    with verification(paths if verify else [], progress) as advance:
        for path in paths:
            if stop is not None and stop():
                raise Interrupted(f"stopped while reading the parts in {directory}; nothing was changed")
            stock.add(inspect(path, study, verify=verify, advance=advance), study.time.steps)
    return stock


def inspect(
    path: Path, study: Study, *, verify: bool, advance: Advance | None = None
) -> Standing | Broken | Unreadable:
    """Return the part in a file, after checking that the file is intact and belongs to this study."""
    from fastsde.storage.header import check_format

    try:
        with reading(path):
            modified = path.stat().st_mtime_ns
            wrong = broken(path, quick=not verify, advance=advance)
            if wrong:
                return Broken(path, wrong)
            seal = read_seal(path)
            with netcdf.open_old(path) as file:
                check_format(file, path, schema.PART_FORMAT)
                attributes = dict(file.attrs)
                part = Part(str(attributes["model"]), int(attributes["first"]), int(attributes["count"]))
                shape = file[part.model]["trajectory"].shape
                seconds = float(file[part.model].attrs.get("seconds", "nan"))
                continues = schema.CHECKPOINT_GROUP in file
    except DamageError as error:
        return Broken(path, str(error))
    except UnreadableError as error:
        return Unreadable(path, str(error))
    if part.path("").name != path.name or shape != (part.count,):
        content = f"trajectories {part.first} to {part.last - 1} of the model {part.model}"
        return Broken(path, f"{path} has the wrong name or content: it holds {content}")
    check_same_code(str(attributes["study"]), study, path)
    there = study_of_text(str(attributes["study"]))
    _check_kinship(path, study, there, part.model, continues)
    return Standing(
        part,
        path,
        there.time.steps,
        seal,
        read_versions(attributes),
        seconds,
        modified,
    )


def _candidates(study: Study, folder: Path, among: range | None) -> list[Path]:
    """Return the files of the study's models: all, or those that begin in a range and the one before it."""
    named: dict[str, list[tuple[int, Path]]] = {model: [] for model in study.models}
    for path in listed(folder, ".h5"):
        model, _, first = path.stem.rpartition("-")
        if model in named and first.isdecimal():
            named[model].append((int(first), path))
    chosen: list[Path] = []
    for files in named.values():
        before = [path for first, path in files if among is not None and first < among.start]
        inside = [path for first, path in files if among is None or first in among]
        chosen += [*before[-1:], *inside]
    return chosen


def _named(items: Sequence[Broken | Unreadable]) -> str:
    """Return why the first few files cannot be used, one line each."""
    more = [f"  and {len(items) - 5} more"] if len(items) > 5 else []
    return "\n".join([*(f"  {item.reason}" for item in items[:5]), *more])


def check_versions(parts: list[Standing], *, here: bool = True) -> None:
    """Refuse parts computed with different versions of the libraries that affect the results.

    Parameters
    ----------
    parts
        Parts to be joined into one ensemble.
    here
        Whether this installation will compute more of them, so that its versions must agree as well.

    Raises
    ------
    StoreError
        If they differ; the message names the parts and what differs.
    """
    reference, whose = (versions(), "this installation") if here else (None, "")
    for standing in parts:
        if not standing.versions.keys() & set(BEARING):
            raise StoreError(
                f"{standing.path} does not state the versions with which it was computed (root attribute "
                "`versions`)\nFix: --any-version uses it nevertheless"
            )
        if reference is None:
            reference, whose = standing.versions, str(standing.path)
        changed = version_differences(standing.versions, reference)
        if changed:
            raise StoreError(
                f"{standing.path} and {whose} have different versions:\n"
                + "\n".join(f"  {line}" for line in changed)
                + "\nResults of different versions are not mixed by default.\n"
                "Fix: --any-version mixes them nevertheless"
            )


def _check_kinship(path: Path, study: Study, there: Study, model: str, continues: bool) -> None:
    text = there.to_toml()
    kin = lineage_of(text, model) == study.lineage(model)
    if kin and same_times(there, study):
        return
    shorter = kin and there.time.steps < study.time.steps
    lacking = _lacking_snapshots(study, there) if shorter else []
    if shorter and continues and not lacking:
        return
    if lacking:
        fix = (
            f"It could be extended, but has no snapshot at step {lacking[0]}.\n"
            "Fix: keep the snapshots of the shorter study, as `fastsde run --steps` does"
        )
    elif shorter:
        fix = "It cannot be extended, because it was computed without final states (--keep-state)"
    else:
        fix = "Fix: restore the file of this study, or remove it and recompute it with `fastsde run`"
    raise StoreError(
        f"{path} belongs to another study; differences:\n{differences(text, study.to_toml(), model)}\n{fix}"
    )


def _lacking_snapshots(study: Study, there: Study) -> list[int]:
    """Return the snapshots before the end of the shorter study that it does not have."""
    had = {int(step) for step in there.time.snapshot_steps()}
    return [int(s) for s in study.time.snapshot_steps() if s < there.time.steps and int(s) not in had]
