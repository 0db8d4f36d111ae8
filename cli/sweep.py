"""``fastsde sweep``: run, analyse and report every combination of a file's lists of values."""

from __future__ import annotations

from pathlib import Path

import click

from fastsde.cli import options
from fastsde.system.progress import Mode, make

__all__ = ["command"]


@click.command("sweep", short_help="Run a study for every combination of lists of values, and compare.")
@options.study_file
@options.output
@options.threads
@options.trajectories
@options.part_size
@click.option(
    "--csv",
    "csv_file",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    callback=options.writable,
    help="Also write the table as CSV: a row for each model of each case, with all digits.",
)
@options.progress
@options.as_json
def command(
    study_file: Path,
    output: Path | None,
    threads: int | None,
    trajectories: int | None,
    part_size: int | None,
    csv_file: Path | None,
    progress: Mode,
    as_json: bool,
) -> None:
    """Run a study for every combination of the values in its [sweep], and analyse all of them together.

    Each combination becomes a case with a directory of its own below the sweep's: a run like any other, that
    every command takes. A sweep that was stopped goes on. Prints a table with every swept value, tail index
    and escape time of each model of each case, the effects of the values, and the path of the page that shows
    them. Where only values of single models are swept, all of them stand in one study: `fastsde study` runs
    it. "models.*.batch" sets the batch of all models that have one; models without a batch follow that of the
    SGD they are compared with.

    \b
    Examples:
        fastsde sweep rates.toml
        fastsde sweep rates.toml -o runs/rates --trajectories 4096 --threads 8
        fastsde sweep rates.toml --csv rates.csv
        fastsde sweep rates.toml --json > effects.json
    """
    from fastsde.analysis.cases import analyze_cases
    from fastsde.analysis.requirements import check_analysable
    from fastsde.cli import show, work
    from fastsde.report.escape.effects import effect_rows
    from fastsde.report.sweep.page import write_sweep_report
    from fastsde.report.sweep.tables import csv_text, main_place, text_rows
    from fastsde.storage.layout import SWEEP_FILE
    from fastsde.storage.run_directory import claim_sweep
    from fastsde.system.atomic import replacing

    cases = work.load_cases(study_file, trajectories)
    for case in cases:
        check_analysable(case.study, None, str(study_file))
    work.print_notes(cases[0].study, cases[0].swept)
    directory = options.default_directory(study_file, output)
    claim_sweep(study_file, cases, directory)
    reporter = make(progress)
    places = {case.name: directory / case.name for case in cases}
    with reporter.task("sweep", len(cases), "cases"):
        for number, case in enumerate(cases):
            reporter.update(number, case.name)
            work.run_study(case.study, places[case.name], reporter, threads=threads, part_size=part_size)
            work.analyze_source(places[case.name], reporter)
            work.report_directory(places[case.name], reporter)
        reporter.update(len(cases), "all together")
        found = analyze_cases(cases, places)
        found.save(directory / SWEEP_FILE)
        page = write_sweep_report(directory)
    if csv_file is not None:
        with replacing(csv_file) as temporary:
            temporary.write_text(csv_text(found), encoding="utf-8", newline="")
    if as_json:
        show.print_json({"report": page, "sweep": found.document()})
        return
    show.print_models(work.summaries(cases))
    show.print_rows(text_rows(found))
    place = main_place(found)
    effects = {key: one for key, one in found.effects.items() if one.place == place}
    if effects:
        show.print_rows(effect_rows(effects, found.places), "Effects, lowest to highest value")
    click.echo(f"report: {page}")
