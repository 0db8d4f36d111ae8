"""The directory of a run: whose study it is, and which parts stand in it."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastsde import schema
from fastsde.atomic import replacing, sweep
from fastsde.errors import Complaint, StoreError, StudyError
from fastsde.plan import PARTS_FOLDER, Part

if TYPE_CHECKING:
    from fastsde.study import Study
    from fastsde.sweep import Case

__all__ = ["STUDY_FILE", "claim", "claim_sweep", "found_parts", "study_of"]

STUDY_FILE = "study.toml"
SWEEP_COPY = "sweep.toml"


def claim(study: Study, directory: Path | str) -> None:
    """Make a run's directory with the resolved study in it, or check that it belongs to this study.

    Raises
    ------
    StoreError
        If the directory holds another study (they may differ in `trajectories`); the message names what
        differs.
    """
    directory = Path(directory)
    existing = directory / STUDY_FILE
    if existing.exists():
        other = study_of(directory)
        if other.fingerprint() != study.fingerprint():
            raise StoreError(
                f"{directory} belongs to another study; they differ in\n{_differences(other, study)}\n"
                "choose another directory (-o), or remove this one"
            )
    (directory / PARTS_FOLDER).mkdir(parents=True, exist_ok=True)
    sweep(directory)
    sweep(directory / PARTS_FOLDER)
    if not existing.exists() or existing.read_text(encoding="utf-8") != study.to_toml():
        with replacing(existing) as temporary:
            temporary.write_text(study.to_toml(), encoding="utf-8")


def found_parts(study: Study, directory: Path | str) -> list[Part]:
    """Return the parts of a study that stand whole in a directory, ordered by model and first trajectory.

    Raises
    ------
    StoreError
        If a part file of one of the study's models belongs to another study.
    """
    folder = Path(directory) / PARTS_FOLDER
    found = [
        _read_part(path, study)
        for path in sorted(folder.glob("*.h5"))
        if path.stem.rpartition("-")[0] in study.models
    ]
    return sorted(found)


def study_of(directory: Path | str) -> Study:
    """Return the study of a run's directory; a `StoreError` if it has none."""
    from fastsde.study import Study

    path = Path(directory) / STUDY_FILE
    if not path.is_file():
        raise StoreError(f"{directory} is not the directory of a run: it has no {STUDY_FILE}")
    return Study.load(path)


def _read_part(path: Path, study: Study) -> Part:
    """Read which part a file holds, after checking that it is one of this study."""
    from fastsde import netcdf
    from fastsde.header import check_format

    try:
        file = netcdf.open_old(path)
    except OSError as error:
        raise StoreError(f"{path} cannot be read ({error}); remove it to compute it again") from error
    with file:
        check_format(file, path, schema.PART_FORMAT)
        part = Part(str(file.attrs["model"]), int(file.attrs["first"]), int(file.attrs["count"]))
        if file.attrs["fingerprint"] != study.fingerprint():
            raise StoreError(
                f"{path} belongs to another study; they differ in\n"
                f"{_toml_differences(file.attrs['study'], study.to_toml())}"
            )
        shape = file[part.model]["trajectory"].shape
    if part.path("").name != path.name or shape != (part.count,):
        raise StoreError(f"{path} holds {part}, which is not what its name says; remove it")
    return part


def _differences(there: Study, here: Study) -> str:
    return _toml_differences(there.to_toml(), here.to_toml())


def _toml_differences(there: str, here: str) -> str:
    """Return one line for each key whose values differ."""
    old, new = _flatten(tomllib.loads(there)), _flatten(tomllib.loads(here))
    keys = [key for key in sorted({*old, *new} - {"trajectories"}) if old.get(key) != new.get(key)]
    nothing = "absent"
    return "\n".join(f"  {key}: there {old.get(key, nothing)}, here {new.get(key, nothing)}" for key in keys)


def _flatten(table: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in table.items():
        if isinstance(value, dict):
            flat |= _flatten(value, f"{prefix}{key}.")
        else:
            flat[prefix + key] = value
    return flat


def claim_sweep(study_file: Path, cases: Sequence[Case], directory: Path) -> None:
    """Make the directory of a sweep with its file in it, or check that it belongs to this sweep.

    Raises
    ------
    StudyError
        If the file sweeps nothing that all models share: it is one study.
    StoreError
        If the directory holds another sweep (the values of a sweep may grow).
    """
    if [case.name for case in cases] == [""]:
        allowed = "a list of values of something that all models share, as time.learning_rate or data.seed"
        mend = f"`fastsde study {study_file}` runs this file, with the values of models that it sweeps"
        raise StudyError([Complaint("sweep", "nothing of the kind", allowed, mend)], str(study_file))
    here = directory / SWEEP_COPY
    text = study_file.read_text(encoding="utf-8")
    if here.is_file():
        from fastsde.sweep import load_cases

        names = {case.name for case in cases}
        lost = [case.name for case in load_cases(here) if case.name not in names]
        if lost:
            raise StoreError(
                f"{directory} belongs to another sweep, which has the case {lost[0]}; "
                "choose another directory (-o), or remove this one"
            )
    directory.mkdir(parents=True, exist_ok=True)
    with replacing(here) as temporary:
        temporary.write_text(text, encoding="utf-8")
