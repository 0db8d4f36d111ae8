"""``fastsde study``: run, analyse, report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from fastsde.cli import options
from fastsde.system.progress import Mode, make

__all__ = ["command"]


@click.command("study", short_help="Run a study, analyse it, and write a report.")
@options.study_file
@options.output
@options.threads
@options.trajectories
@options.steps
@options.part_size
@options.reference
@options.running
@options.progress
@options.as_json
def command(
    study_file: Path,
    output: Path | None,
    trajectories: int | None,
    steps: int | None,
    reference: str | None,
    progress: Mode,
    as_json: bool,
    **how: Any,
) -> None:
    """Run a study, analyse it, write a report, and print a table of results and the path of the report.

    Existing results are kept: an unfinished run is resumed, and a finished one is only analysed and reported
    again.

    \b
    Examples:
        fastsde study examples/saddle_to_saddle.toml
        fastsde study saddle.toml -o runs/large --trajectories 100000 --threads 16
        fastsde study saddle.toml --json > results.json
    """
    from fastsde.analysis.cost import later_seconds
    from fastsde.analysis.requirements import check_analysable
    from fastsde.cli import show, work
    from fastsde.system.threads import default_threads

    directory = options.default_directory(study_file, output)
    reporter = make(progress)
    study = work.load_study(study_file, trajectories, steps)
    check_analysable(study, reference, str(study_file))
    to_analyse, to_report = later_seconds(study, how["threads"] or default_threads())
    with reporter.followed_by(to_report):
        with reporter.followed_by(to_analyse):
            ensemble = work.run_study(study, directory, reporter, **how)
        analysis = work.analyze_source(directory, reporter, reference)
    report = work.report_directory(directory, reporter)
    if as_json:
        show.print_json({"ensemble": ensemble, "report": report, "results": analysis.summary()})
        return
    show.print_results(analysis)
    click.echo(f"report: {report}")
