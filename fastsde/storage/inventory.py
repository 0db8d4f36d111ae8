"""The part files that stand in a run's directory: whole, extendable or broken."""

from __future__ import annotations

import os
from bisect import insort
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from fastsde.storage import netcdf, schema
from fastsde.storage.checksum import Seal, broken, read_seal
from fastsde.storage.layout import PARTS_FOLDER
from fastsde.storage.plan import Part
from fastsde.study.compatibility import check_same_code, differences, lineage_of, same_times, study_of_text
from fastsde.system.atomic import listed
from fastsde.system.errors import DamageError, Interrupted, StoreError, UnreadableError
from fastsde.system.hdf5 import reading
from fastsde.system.provenance import BEARING, read_versions, version_differences, versions

if TYPE_CHECKING:
    from fastsde.study.study import Study

__all__ = ["Broken", "Standing", "Stock", "Unreadable", "check_versions", "inspect", "take_stock"]


@dataclass(frozen=True, order=True)
class Standing:
    """A part whose file stands and is sound.

    Attributes
    ----------
    part, path
        Which part, and its file.
    steps
        Learning-rate steps it goes through; the study may have more.
    seal
        Its checksum; None in files of format 1.0.
    versions
        What it was computed with.
    seconds
        How long that took; NaN in files of format 1.0.
    modified
        When the file was last changed, in nanoseconds, before it was looked at.
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
    """A file among the parts whose content was read and is wrong, and what is wrong with it."""

    path: Path
    reason: str


@dataclass(frozen=True)
class Unreadable:
    """A file among the parts that the system does not let be read, and why; it may well be sound."""

    path: Path
    reason: str


@dataclass(frozen=True)
class Stock:
    """What stands in a directory of parts of a study, in the order of models' names and first trajectories.

    Attributes
    ----------
    whole
        Parts that go to the end of the study.
    shorter
        Parts of an earlier, shorter study, from whose end integration can go on.
    broken
        Files that have been cut short, changed or misnamed.
    unreadable
        Files of which nothing is known, because the system refuses to read them.
    """

    whole: list[Standing]
    shorter: list[Standing]
    broken: list[Broken]
    unreadable: list[Unreadable]

    def add(self, found: Standing | Broken | Unreadable, steps: int) -> None:
        """Take up what `inspect` found; the study has so many steps."""
        if isinstance(found, Unreadable):
            if os.path.lexists(found.path):  # else another process has replaced it in between
                self.unreadable.append(found)
        elif isinstance(found, Broken):
            self.broken.append(found)
        else:
            insort(self.whole if found.steps == steps else self.shorter, found)

    def refuse_broken(self) -> None:
        """Raise a `StoreError` that names the files which cannot be used; nothing if there are none."""
        self.refuse_unreadable()
        if self.broken:
            raise StoreError(
                f"broken part files:\n{_named(self.broken)}\n"
                "`fastsde run --repair` computes them again; they are removed once the new ones are whole"
            )

    def refuse_unreadable(self) -> None:
        """Raise an `UnreadableError` that names the unreadable files; nothing if there are none."""
        if self.unreadable:
            raise UnreadableError(
                f"part files that cannot be read:\n{_named(self.unreadable)}\n"
                "they may be sound: nothing was changed, and --repair leaves them alone"
            )


def take_stock(
    study: Study,
    directory: Path | str,
    *,
    verify: bool = False,
    among: range | None = None,
    stop: Callable[[], bool] | None = None,
) -> Stock:
    """Look at every part file of the study's models in a directory.

    Parameters
    ----------
    study, directory
        Whose parts, and where: those in ``directory/parts``.
    verify
        Compute every checksum; else only lengths are compared.
    among
        Look at parts only that may have trajectories of this range.
    stop
        Asked before every file whether to stop.

    Raises
    ------
    StoreError
        If a sound file belongs to another study.
    UnreadableError
        If the folder cannot be read.
    Interrupted
        If `stop` said so.
    """
    stock = Stock([], [], [], [])
    for path in _candidates(study, Path(directory) / PARTS_FOLDER, among):
        if stop is not None and stop():
            raise Interrupted(f"stopped while looking at the parts in {directory}; nothing was changed")
        stock.add(inspect(path, study, verify=verify), study.time.steps)
    return stock


def inspect(path: Path, study: Study, *, verify: bool) -> Standing | Broken | Unreadable:
    """Read which part a file holds, after checking that it is sound and one of this study."""
    from fastsde.storage.header import check_format

    try:
        with reading(path):
            modified = path.stat().st_mtime_ns
            wrong = broken(path, quick=not verify)
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
        return Broken(path, f"{path} holds {part}, which is not what its name says")
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
    """Return the files of the study's models by name: in a range, those that begin in it and one before."""
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
    """Return why the first few files cannot be used, a line each."""
    more = [f"  and {len(items) - 5} more"] if len(items) > 5 else []
    return "\n".join([*(f"  {item.reason}" for item in items[:5]), *more])


def check_versions(parts: list[Standing], *, here: bool = True) -> None:
    """Refuse parts computed with different versions of what bears on the numbers.

    Parameters
    ----------
    parts
        Parts that are to stand in one ensemble.
    here
        This installation will compute more of them, so it must agree as well.

    Raises
    ------
    StoreError
        If they differ; the message names the parts and what differs.
    """
    reference, whose = (versions(), "this installation") if here else (None, "")
    for standing in parts:
        if not standing.versions.keys() & set(BEARING):
            raise StoreError(
                f"{standing.path} does not say with which versions it was computed (root attribute "
                "`versions`); --any-version uses it all the same"
            )
        if reference is None:
            reference, whose = standing.versions, str(standing.path)
        found = version_differences(standing.versions, reference)
        if found:
            raise StoreError(
                f"{standing.path} was computed with other versions than {whose}:\n"
                + "\n".join(f"  {line}" for line in found)
                + "\nnumbers of different versions are not mixed; --any-version does it all the same"
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
    mend = ""
    if lacking:
        mend = (
            f"\nit is shorter and could go on, but has no snapshot at step {lacking[0]}: keep the snapshots "
            "it has, as `fastsde run --steps` does"
        )
    elif shorter:
        mend = "\nit is shorter, but keeps no state to go on from (--keep-state when it was computed)"
    else:
        mend = "\nput the file of this study back, or remove it: `fastsde run` computes it again"
    raise StoreError(
        f"{path} belongs to another study; they differ in\n{differences(text, study.to_toml(), model)}{mend}"
    )


def _lacking_snapshots(study: Study, there: Study) -> list[int]:
    """Return the snapshots before the end of the shorter study that it did not take."""
    had = {int(step) for step in there.time.snapshot_steps()}
    return [int(s) for s in study.time.snapshot_steps() if s < there.time.steps and int(s) not in had]
