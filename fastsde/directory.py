"""The directory of a run: whose study it is, and taking it for one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from fastsde.atomic import discard, replacing, sweep
from fastsde.errors import DiskError, StoreError
from fastsde.kinship import differences, same_times
from fastsde.plan import PARTS_FOLDER

if TYPE_CHECKING:
    from fastsde.study import Study

__all__ = ["STUDY_FILE", "check_extends", "claim", "study_of"]

STUDY_FILE = "study.toml"


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
    from fastsde.study import Study

    path = Path(directory) / STUDY_FILE
    if not path.is_file():
        raise StoreError(f"{directory} is not the directory of a run: it has no {STUDY_FILE}")
    return Study.load(path)


def _claim(study: Study, directory: Path) -> None:
    from fastsde.store import ENSEMBLE_FILE

    existing = directory / STUDY_FILE
    longer = False
    if existing.exists():
        other = study_of(directory)
        check_extends(study, other, str(directory))
        longer = study.time.steps > other.time.steps
    (directory / PARTS_FOLDER).mkdir(parents=True, exist_ok=True)
    sweep(directory)
    sweep(directory / PARTS_FOLDER)
    if longer:  # it refers to parts that will be replaced by longer ones
        discard(directory / ENSEMBLE_FILE)
    if not existing.exists() or existing.read_text(encoding="utf-8") != study.to_toml():
        with replacing(existing) as temporary:
            temporary.write_text(study.to_toml(), encoding="utf-8")
