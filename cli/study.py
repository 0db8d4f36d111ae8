"""``fastsde study``: run, analyse, report."""

from __future__ import annotations

from pathlib import Path

import click

from fastsde.cli import options
from fastsde.progress import Mode, make

__all__ = ["command"]


@click.command("study", short_help="Run a study, analyse it and write its report.")
@options.study_file
@options.output
@options.threads
@options.trajectories
@options.part_size
@options.reference
@options.progress
@options.as_json
def command(
    study_file: Path,
    output: Path | None,
    threads: int | None,
    trajectories: int | None,
    part_size: int | None,
    reference: str | None,
    progress: Mode,
    as_json: bool,
) -> None:
    """Run a study, analyse it and write its report: the main job.

    What stands in the directory is kept: a run that was stopped goes on, a finished one is only analysed and
    reported anew. Prints a table of results and the path of the report.

    \b
    Examples:
        fastsde study examples/saddle_to_saddle.toml
        fastsde study saddle.toml -o runs/large --trajectories 100000 --threads 16
        fastsde study saddle.toml --json > results.json
    """
    from fastsde.cli import show, work

    directory = options.default_directory(study_file, output)
    reporter = make(progress)
    ensemble = work.run_study(
        work.load_study(study_file, trajectories), directory, reporter, threads, part_size
    )
    analysis = work.analyze_directory(directory, reporter, reference)
    report = work.report_directory(directory)
    if as_json:
        show.print_json({"ensemble": ensemble, "report": report, "results": analysis.summary()})
        return
    show.print_results(analysis)
    click.echo(f"report: {report}")
