"""Join shards, wherever they were computed, after checking that they are intact and belong together."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fastsde.storage.inventory import Standing, check_versions, take_stock
from fastsde.storage.layout import PARTIAL_FILE, STATES_FILE, STUDY_FILE
from fastsde.storage.plan import gaps
from fastsde.storage.run_directory import claim, study_of
from fastsde.study.compatibility import differences
from fastsde.system.atomic import commit, discard, present, replacing, temporary_sibling
from fastsde.system.errors import DiskError, IncompleteError, StoreError

if TYPE_CHECKING:
    from fastsde.study.study import Study
    from fastsde.system.progress import Progress

__all__ = ["merge", "missing_ranges"]


def merge(
    directories: Sequence[Path | str],
    output: Path | str | None = None,
    *,
    copy: bool = False,
    partial: bool = False,
    any_version: bool = False,
    progress: Progress | None = None,
) -> Path:
    """Join the parts in one or more directories of one study, and return the ensemble file.

    All checksums are verified first.

    Parameters
    ----------
    directories
        Directories of runs or shards of the study, from this or other machines.
    output
        Directory in which the parts are collected (as hard links if possible, otherwise as copies) and
        joined, together with the parts that it already contains. None: the only directory given.
    copy
        Copy the data into the ensemble file instead of referring to the parts.
    partial
        Join the finished trajectories of every model to ``partial.h5``, which can be read and analysed while
        the run continues.
    any_version
        Accept parts computed by different versions.
    progress
        Reports the verification of checksums; None: silent.

    Raises
    ------
    StoreError
        If the directories belong to different studies or seeds, if they were computed with different
        versions, or if a part is broken; the message lists the differences.
    IncompleteError
        If parts are missing; the message lists the missing trajectories.
    """
    places = [Path(directory) for directory in directories]
    if output is None and len(places) > 1:
        raise StoreError("to merge several directories, give an output directory (-o DIR)")
    target = places[0] if output is None else Path(output)
    own = [target] if target not in places and present(target / STUDY_FILE) else []
    study = _common_study([*places, *own])
    stocks = [take_stock(study, place, verify=True, progress=progress) for place in [*own, *places]]
    for stock in stocks:
        stock.refuse_broken()
    parts = [standing for stock in stocks for standing in stock.whole]
    if not any_version:
        check_versions(sorted(parts), here=False)
    if not partial:
        _refuse_incomplete(study, parts)
    if output is not None:
        claim(study, target)
        if study.starts_from_states:
            with replacing(target / STATES_FILE) as temporary:
                shutil.copyfile(places[0] / STATES_FILE, temporary)
        parts = _gather(parts, target)
    return _join(study, parts, target, copy, partial)


def missing_ranges(study: Study, parts: Sequence[Standing]) -> dict[str, list[tuple[int, int]]]:
    """Return, for each incomplete model, the ranges of trajectories (first, last) that are in no part."""
    lacking = {}
    for model in study.models:
        mine = sorted(standing.part for standing in parts if standing.part.model == model)
        ranges = [(a, b - 1) for a, b in gaps(mine, study.trajectories)]
        if ranges:
            lacking[model] = ranges
    return lacking


def _common_study(places: Sequence[Path]) -> Study:
    """Return the common study of all directories, with the largest number of trajectories of any of them."""
    first = study_of(places[0])
    studies = [first, *(study_of(place, like=first) for place in places[1:])]
    for place, other in zip(places[1:], studies[1:], strict=True):
        if other.fingerprint() != first.fingerprint():
            raise StoreError(
                f"{places[0]} and {place} belong to different studies; differences:\n"
                f"{differences(first.to_toml(), other.to_toml(), names=(str(places[0]), str(place)))}"
            )
    return max(studies, key=lambda study: study.trajectories)


def _refuse_incomplete(study: Study, parts: Sequence[Standing]) -> None:
    lacking = missing_ranges(study, parts)
    if not lacking:
        return
    lines = []
    for model, ranges in lacking.items():
        shown = ", ".join(f"{a}..{b}" for a, b in ranges[:6]) + (", ..." if len(ranges) > 6 else "")
        lines.append(f"  {model}: {shown}")
    raise IncompleteError(
        "trajectories are missing:\n"
        + "\n".join(lines)
        + "\nFix: compute them with `fastsde run`, or join the finished trajectories with --partial"
    )


def _gather(parts: Sequence[Standing], target: Path) -> list[Standing]:
    """Collect the parts that are needed in one directory."""
    needed: dict[str, list[Standing]] = {}
    for standing in sorted(parts, key=lambda s: (s.part.model, s.part.first, -s.part.count)):
        chosen = needed.setdefault(standing.part.model, [])
        reached = max((other.part.last for other in chosen), default=0)
        if standing.part.last > reached:
            chosen.append(standing)
    gathered = [standing for chosen in needed.values() for standing in chosen]
    return [_link_or_copy(standing, standing.part.path(target)) for standing in gathered]


def _link_or_copy(standing: Standing, path: Path) -> Standing:
    import dataclasses

    if not (path.exists() and path.samefile(standing.path)):
        temporary = temporary_sibling(path)
        try:
            try:
                os.link(standing.path, temporary)
            except OSError:
                shutil.copyfile(standing.path, temporary)
            commit(temporary, path)
        except OSError as error:
            raise DiskError.about(path, error) from error
        finally:
            discard(temporary)
    return dataclasses.replace(standing, path=path)


def _join(study: Study, parts: list[Standing], target: Path, copy: bool, partial: bool) -> Path:
    from fastsde.problem.data import build_problem
    from fastsde.run.run import chain
    from fastsde.storage.join import join
    from fastsde.storage.layout import ENSEMBLE_FILE

    pieces = {model: chosen for model, chosen in chain(study, parts).items() if chosen}
    if not pieces:
        raise IncompleteError(f"no part in {target} is finished yet")
    name = PARTIAL_FILE if partial else ENSEMBLE_FILE
    return join(study, build_problem(study), pieces, target / name, copy)
