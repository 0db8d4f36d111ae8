"""The directory of a run: the study it belongs to, and assigning it to a study."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fastsde.storage.layout import PARTS_FOLDER, STUDY_FILE
from fastsde.study.compatibility import check_same_code, differences, same_times
from fastsde.study.extension_imports import EXTENSIONS_FOLDER
from fastsde.study.extensions import extension_files
from fastsde.study.sample_data import SAMPLES_COPY
from fastsde.system.atomic import discard, present, replacing, sweep
from fastsde.system.errors import Complaint, DiskError, StoreError, StudyError
from fastsde.system.user_code import sha256_of

if TYPE_CHECKING:
    from fastsde.study.study import Study
    from fastsde.study.sweep import Case

__all__ = ["check_extends", "claim", "claim_sweep", "study_of"]

SWEEP_COPY = "sweep.toml"


def claim(study: Study, directory: Path | str) -> None:
    """Create a run's directory with the resolved study, or check that it belongs to this study.

    Raises
    ------
    StoreError
        If the directory holds another study that this one does not extend (`check_extends`).
    DiskError
        If the disk cannot be written.
    """
    directory = Path(directory)
    try:
        _claim(study, directory)
    except OSError as error:
        raise DiskError(f"cannot create the directory of the run, {directory}: {error}") from error


def check_extends(study: Study, other: Study, where: str) -> None:
    """Check that a study equals the `other`, or extends it by trajectories, models or steps.

    Raises
    ------
    StoreError
        If not; the message starts with `where` and lists the differences.
    """
    same = [name for name in study.models if name in other.models]
    kin = study.lineage() == other.lineage() and all(study.lineage(m) == other.lineage(m) for m in same)
    if kin and same and (same_times(study, other) or study.time.steps > other.time.steps):
        return
    shorter = kin and study.time.steps < other.time.steps
    raise StoreError(
        f"{where} belongs to another study; differences:\n{differences(other.to_toml(), study.to_toml())}\n"
        + ("A run can be extended, but not shortened.\n" if shorter else "")
        + "Fix: choose another directory (-o), or remove this one"
    )


def study_of(directory: Path | str, like: Study | None = None) -> Study:
    """Return the study of a run's directory.

    Parameters
    ----------
    directory : path
    like : Study, optional
        A study that it must share its extensions with: two versions of one cannot be imported together.

    Raises
    ------
    StoreError
        If the directory has no study, or it has other extensions.
    """
    from fastsde.study.study import Study

    path = Path(directory) / STUDY_FILE
    if not present(path):
        raise StoreError(f"{directory} is not the directory of a run: it does not contain {STUDY_FILE}")
    if like is not None:
        with contextlib.suppress(OSError, UnicodeDecodeError):  # reading it says what is wrong
            check_same_code(path.read_text(encoding="utf-8"), like, path)
    return Study.load(path)


def _claim(study: Study, directory: Path) -> None:
    from fastsde.storage.layout import ENSEMBLE_FILE

    existing = directory / STUDY_FILE
    longer = False
    if present(existing):
        other = study_of(directory, like=study)
        check_extends(study, other, str(directory))
        longer = study.time.steps > other.time.steps
    (directory / PARTS_FOLDER).mkdir(parents=True, exist_ok=True)
    sweep(directory)
    sweep(directory / PARTS_FOLDER)
    _keep_extensions(study, directory)
    _keep_samples(study, directory)
    if longer:  # the ensemble refers to parts that will be replaced by longer ones
        discard(directory / ENSEMBLE_FILE)
    if not present(existing) or existing.read_text(encoding="utf-8") != study.to_toml():
        with replacing(existing) as temporary:
            temporary.write_text(study.to_toml(), encoding="utf-8")


def _keep_extensions(study: Study, directory: Path) -> None:
    """Copy the extensions of a study into a directory, where whoever reads the study looks for them."""
    for name, content in extension_files(study.extensions).items():
        copy = directory / EXTENSIONS_FOLDER / name
        if present(copy) and copy.read_bytes() == content:
            continue
        copy.parent.mkdir(parents=True, exist_ok=True)
        with replacing(copy) as temporary:
            temporary.write_bytes(content)


def _keep_samples(study: Study, directory: Path) -> None:
    """Copy the samples that a landscape names into a directory, where readers of the study look for them."""
    landscape, copy = study.landscape, directory / SAMPLES_COPY
    if landscape is None or present(copy):
        return
    samples = landscape.own_samples(study.places())
    if samples is not None:
        with replacing(copy) as temporary, temporary.open("wb") as file:
            np.save(file, samples)


def claim_sweep(study_file: Path, cases: Sequence[Case], directory: Path) -> None:
    """Create the directory of a sweep with a copy of its file, or check that it belongs to this sweep.

    Raises
    ------
    StudyError
        If the file sweeps no key that several models share, so that it is a single study.
    StoreError
        If the directory holds another sweep (values may be added to a sweep).
    """
    if [case.name for case in cases] == [""]:
        expected = "a list of values for a key that models share, such as time.learning_rate or data.seed"
        fix = f"this file is a single study; run it with `fastsde study {study_file}`"
        raise StudyError([Complaint("sweep", "no such list", expected, fix)], str(study_file))
    here, study = directory / SWEEP_COPY, cases[0].study
    text = study_file.read_text(encoding="utf-8")
    if here.is_file():
        from fastsde.study.sweep import load_cases

        _check_kept(study, directory)
        names = {case.name for case in cases}
        lost = [case.name for case in load_cases(here) if case.name not in names]
        if lost:
            raise StoreError(
                f"{directory} belongs to another sweep, which has the case {lost[0]}\n"
                "Fix: choose another directory (-o), or remove this one"
            )
    directory.mkdir(parents=True, exist_ok=True)
    _keep_extensions(study, directory)
    with replacing(here) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _check_kept(study: Study, directory: Path) -> None:
    """Refuse a directory that keeps other versions of a study's extensions."""
    for name, content in extension_files(study.extensions).items():
        copy = directory / EXTENSIONS_FOLDER / name
        if present(copy) and sha256_of(copy.read_bytes()) != sha256_of(content):
            raise StoreError(
                f"{directory} belongs to a sweep that was run with another version of {name}; "
                f"use that version, of which {copy} is a copy, or choose another directory (-o)"
            )
