"""The directory of a run: whose study it is, and taking it for one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fastsde.storage.layout import PARTS_FOLDER, STUDY_FILE
from fastsde.study.compatibility import differences, same_times
from fastsde.system.atomic import discard, present, replacing, sweep
from fastsde.system.errors import Complaint, DiskError, StoreError, StudyError

if TYPE_CHECKING:
    from fastsde.study.study import Study
    from fastsde.study.sweep import Case

__all__ = ["check_extends", "claim", "claim_sweep", "study_of"]

SWEEP_COPY = "sweep.toml"


def claim(study: Study, directory: Path | str) -> None:
    """Make a run's directory with the resolved study in it, or check that it belongs to this study.

    Raises
    ------
    StoreError
        If the directory holds another study, of which this is no extension (`check_extends`).
    DiskError
        If the disk refuses.
    """
    directory = Path(directory)
    try:
        _claim(study, directory)
    except OSError as error:
        raise DiskError(f"cannot make the run's directory {directory}: {error}") from error


def check_extends(study: Study, other: Study, where: str) -> None:
    """Check that a study is the `other`, or extends it by trajectories, models or steps.

    Raises
    ------
    StoreError
        If it does not; the message names what differs, with `where` before it.
    """
    same = [name for name in study.models if name in other.models]
    kin = study.lineage() == other.lineage() and all(study.lineage(m) == other.lineage(m) for m in same)
    if kin and same and (same_times(study, other) or study.time.steps > other.time.steps):
        return
    shorter = kin and study.time.steps < other.time.steps
    raise StoreError(
        f"{where} belongs to another study; they differ in\n{differences(other.to_toml(), study.to_toml())}\n"
        + ("a run can be made longer, not shorter; " if shorter else "")
        + "choose another directory (-o), or remove this one"
    )


def study_of(directory: Path | str) -> Study:
    """Return the study of a run's directory; a `StoreError` if it has none."""
    from fastsde.study.study import Study

    path = Path(directory) / STUDY_FILE
    if not present(path):
        raise StoreError(f"{directory} is not the directory of a run: it has no {STUDY_FILE}")
    return Study.load(path)


def _claim(study: Study, directory: Path) -> None:
    from fastsde.storage.layout import ENSEMBLE_FILE

    existing = directory / STUDY_FILE
    longer = False
    if present(existing):
        other = study_of(directory)
        check_extends(study, other, str(directory))
        longer = study.time.steps > other.time.steps
    (directory / PARTS_FOLDER).mkdir(parents=True, exist_ok=True)
    sweep(directory)
    sweep(directory / PARTS_FOLDER)
    if longer:  # it refers to parts that will be replaced by longer ones
        discard(directory / ENSEMBLE_FILE)
    if not present(existing) or existing.read_text(encoding="utf-8") != study.to_toml():
        with replacing(existing) as temporary:
            temporary.write_text(study.to_toml(), encoding="utf-8")


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
        from fastsde.study.sweep import load_cases

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
