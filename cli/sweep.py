"""``fastsde sweep``: run, analyse and report every combination of a file's lists of values."""

from __future__ import annotations

from pathlib import Path

import click

from fastsde.cli import options
from fastsde.progress import Mode, make

__all__ = ["command"]


@click.command("sweep", short_help="Run a study for every combination of lists of values, and compare.")
@options.study_file
@options.output
@options.threads
@options.trajectories
@options.part_size
@options.progress
@options.as_json
def command(
    study_file: Path,
    output: Path | None,
    threads: int | None,
    trajectories: int | None,
    part_size: int | None,
    progress: Mode,
    as_json: bool,
) -> None:
    """Run a study for every combination of the values in its [sweep], and analyse all of them together.

    Each combination becomes a case with a directory of its own below the sweep's: a run like any other, that
    every command takes. A sweep that was stopped goes on. Prints the effects of the values on the times of
    escape and the path of the page that shows them. Where only values of models are swept, all of them stand
    in one study: `fastsde study` runs it.

    \b
    Examples:
        fastsde sweep rates.toml
        fastsde sweep rates.toml -o runs/rates --trajectories 4096 --threads 8
        fastsde sweep rates.toml --json > effects.json
    """
    from fastsde.analysis.cases import SWEEP_FILE, analyze_cases
    from fastsde.cli import show, work
    from fastsde.directory import claim_sweep
    from fastsde.report.escape import effect_rows
    from fastsde.report.sweep import write_sweep_report
    from fastsde.sweep import load_cases

    cases = load_cases(study_file)
    work.print_notes(cases[0].study)
    directory = options.default_directory(study_file, output)
    claim_sweep(study_file, cases, directory)
    reporter = make(progress)
    places = {case.name: directory / case.name for case in cases}
    for case in cases:
        study = case.study if trajectories is None else case.study.replace(trajectories=trajectories)
        work.run_study(study, places[case.name], reporter, threads=threads, part_size=part_size)
        work.analyze_source(places[case.name], reporter)
        work.report_directory(places[case.name])
    found = analyze_cases(cases, places)
    found.save(directory / SWEEP_FILE)
    page = write_sweep_report(directory)
    if as_json:
        show.print_json({"report": page, "sweep": found.document()})
        return
    show.print_rows(effect_rows(found.effects, found.places))
    click.echo(f"report: {page}")
