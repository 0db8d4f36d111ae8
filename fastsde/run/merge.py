"""Join shards that were computed anywhere, after checking that they belong together and are sound."""

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

__all__ = ["merge", "missing_ranges"]


def merge(
    directories: Sequence[Path | str],
    output: Path | str | None = None,
    *,
    copy: bool = False,
    partial: bool = False,
    any_version: bool = False,
) -> Path:
    """Join the parts in one or more directories of one study, and return the ensemble file.

    Every checksum is computed first.

    Parameters
    ----------
    directories
        Of runs or shards of the study, on this machine or brought from others.
    output
        Where the parts are gathered (as hard links where the disk has them, else copies) and joined, with
        those that are there already. None: the only directory given.
    copy
        Copy the numbers into the ensemble file, instead of referring to the parts.
    partial
        Join what there is so far to ``partial.h5``: of every model the trajectories that are finished. It may
        be read, and analysed, while others compute the rest.
    any_version
        Mix numbers of different versions.

    Raises
    ------
    StoreError
        If the directories belong to different studies or seeds, were computed with different versions, or a
        part is broken; the message says which, and what differs.
    IncompleteError
        If parts are missing; the message says which trajectories.
    """
    places = [Path(directory) for directory in directories]
    if output is None and len(places) > 1:
        raise StoreError("several directories are merged into another one: say which, with -o DIR")
    target = places[0] if output is None else Path(output)
    own = [target] if target not in places and present(target / STUDY_FILE) else []
    study = _common_study([*places, *own])
    stocks = [take_stock(study, place, verify=True) for place in [*own, *places]]
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
    """Return, of each model that lacks some, the ranges of trajectories (first, last) that no part has."""
    lacking = {}
    for model in study.models:
        mine = sorted(standing.part for standing in parts if standing.part.model == model)
        ranges = [(a, b - 1) for a, b in gaps(mine, study.trajectories)]
        if ranges:
            lacking[model] = ranges
    return lacking


def _common_study(places: Sequence[Path]) -> Study:
    """Return the study of all directories, with the most trajectories any of them wants."""
    first = study_of(places[0])
    studies = [first, *(study_of(place, like=first) for place in places[1:])]
    for place, other in zip(places[1:], studies[1:], strict=True):
        if other.fingerprint() != first.fingerprint():
            raise StoreError(
                f"{places[0]} (there) and {place} (here) belong to different studies; they differ in\n"
                f"{differences(first.to_toml(), other.to_toml())}"
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
        + "\n`fastsde run` computes them (or their shards again); --partial joins what there is"
    )


def _gather(parts: Sequence[Standing], target: Path) -> list[Standing]:
    """Bring the parts that are needed into one directory."""
    needed: dict[str, list[Standing]] = {}
    for standing in sorted(parts, key=lambda s: (s.part.model, s.part.first, -s.part.count)):
        chosen = needed.setdefault(standing.part.model, [])
        reached = max((other.part.last for other in chosen), default=0)
        if standing.part.last > reached:
            chosen.append(standing)
    gathered = [standing for chosen in needed.values() for standing in chosen]
    return [_bring(standing, standing.part.path(target)) for standing in gathered]


def _bring(standing: Standing, path: Path) -> Standing:
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
        raise IncompleteError(f"no part is finished in {target} yet")
    name = PARTIAL_FILE if partial else ENSEMBLE_FILE
    return join(study, build_problem(study), pieces, target / name, copy)
