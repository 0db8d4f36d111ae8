"""What an analysis needs of a study: asked before anything is integrated for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastsde.system.errors import Complaint, StudyError

if TYPE_CHECKING:
    from fastsde.study.study import Study

__all__ = ["check_analysable"]


def check_analysable(study: Study, reference: str | None = None, source: str = "") -> None:
    """Refuse a study that could be run, but not analysed.

    Parameters
    ----------
    study
        What is going to be run, analysed and reported.
    reference
        The model that others are going to be compared with, if one was named.
    source
        Name of the study file.

    Raises
    ------
    StudyError
    """
    complaints = []
    recorded = study.record.observables
    needed = ("modes", "loss") if study.objective.positive else ("modes",)
    if not any(name in recorded for name in needed):
        expected = f"{' or '.join(needed)} among them: distances and moments are taken of them"
        fix = f"add {needed[0]}; `fastsde run` integrates the study as it is, without an analysis"
        complaints.append(Complaint("record.observables", ", ".join(recorded), expected, fix))
    if reference is not None and reference not in study.models:
        complaints.append(Complaint("--reference", reference, f"one of {', '.join(study.models)}"))
    if complaints:
        raise StudyError(complaints, source)
