"""The three stages of a study as the commands run them: with signal handling and progress."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fastsde.cli.signals import stop_at_once, stop_when_polled
from fastsde.storage.layout import ANALYSIS_FILE
from fastsde.system.errors import Interrupted

if TYPE_CHECKING:
    from fastsde.analysis import Analysis
    from fastsde.study.study import Study
    from fastsde.study.sweep import Case
    from fastsde.system.progress import Progress

__all__ = [
    "analyze_source",
    "load_cases",
    "load_study",
    "paper_directory",
    "print_notes",
    "report_directory",
    "run_study",
    "summaries",
]


def load_study(path: Path, trajectories: int | None = None, steps: int | None = None) -> Study:
    """Load a study file, replace its numbers of trajectories and steps if given, and print notes on it."""
    from fastsde.study.study import Study

    study = Study.load(path)
    print_notes(study)
    if steps is not None:
        study = study.extended(steps)
    return study if trajectories is None else study.replace(trajectories=trajectories)


def print_notes(study: Study, swept: Sequence[str] = ()) -> None:
    """Print, on standard error, what users should know about a study before it runs."""
    from fastsde.study.notes import notes

    for note in notes(study, swept):
        click.echo("note: " + note.replace("\n", "\n      "), err=True)


def load_cases(path: Path, trajectories: int | None = None, steps: int | None = None) -> list[Case]:
    """Load the cases of a study file (one if there is no sweep), with trajectories and steps replaced."""
    import dataclasses

    from fastsde.study.sweep import load_cases

    def changed(study: Study) -> Study:
        if steps is not None:
            study = study.extended(steps)
        return study if trajectories is None else study.replace(trajectories=trajectories)

    return [dataclasses.replace(case, study=changed(case.study)) for case in load_cases(path)]


def summaries(cases: list[Case]) -> dict[str, str]:
    """Return the description of each model; if it differs between cases, that of the first case."""
    descriptions: dict[str, list[str]] = {}
    for case in cases:
        for name, model in case.study.models.items():
            descriptions.setdefault(name, []).append(model.summary())
    result = {}
    for name, texts in descriptions.items():
        result[name] = texts[0] if len(set(texts)) == 1 else f"{texts[0]} (in the first case)"
    return result


def run_study(study: Study, directory: Path, progress: Progress, **options: Any) -> Path:
    """Compute and join missing parts, with the options of `fastsde.run.options.Options`, until a signal."""
    from fastsde.run.run import run

    with stop_when_polled() as stop:
        ensemble = run(study, directory, progress=progress, stop=stop, **options)
        if stop():
            raise Interrupted(f"stopped; all parts in {directory} are finished")
    return ensemble


def analyze_source(
    source: Path,
    progress: Progress,
    reference: str | None = None,
    models: tuple[str, ...] | None = None,
    *,
    sections: tuple[str, ...] | None = None,
    quick: bool = False,
    verify: bool = False,
) -> Analysis:
    """Analyse the ensemble of a directory, or an ensemble file, and save the result next to it.

    With `sections`, only these are computed, and the others of an existing analysis are kept.
    """
    from fastsde.analysis import Analysis, Settings, analyze
    from fastsde.storage.ensemble import open_ensemble

    target = (source if source.is_dir() else source.parent) / ANALYSIS_FILE
    with stop_at_once(), open_ensemble(source, verify=verify, progress=progress) as ensemble:
        before = Analysis.load(target) if sections is not None and target.is_file() else None
        settings = Settings.quickly() if quick else Settings()
        analysis = analyze(
            ensemble,
            reference,
            models=models,
            settings=settings,
            progress=progress,
            sections=sections,
            before=before,
        )
        analysis.save(target)
    return analysis


def paper_directory(directory: Path, progress: Progress, *, verify: bool = False) -> Path:
    """Write figures and tables for a paper, as `report_directory` writes the page."""
    from fastsde.report import write_paper

    with stop_at_once():
        return write_paper(directory, progress=progress, verify=verify)


def report_directory(directory: Path, progress: Progress, *, verify: bool = False) -> Path:
    """Write the report of a directory that has been analysed, after checking its ensemble."""
    from fastsde.report import write_report

    with stop_at_once():
        return write_report(directory, progress=progress, verify=verify)
