"""``fastsde sweep``: run, analyse and report a study for every combination of swept values."""

from __future__ import annotations

from pathlib import Path

import click

from fastsde.cli import options
from fastsde.system.progress import Mode, make

__all__ = ["command"]


@click.command("sweep", short_help="Run a study for every combination of swept values.")
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
    help="Also write the table as CSV, one row per model and case, at full precision.",
)
@options.quick
@options.progress
@options.as_json
def command(
    study_file: Path,
    output: Path | None,
    threads: int | None,
    trajectories: int | None,
    part_size: int | None,
    csv_file: Path | None,
    quick: bool,
    progress: Mode,
    as_json: bool,
) -> None:
    """Run a study for every combination of the values in its [sweep], and analyse them together.

    Each combination is a case with its own directory inside the sweep's, which every command accepts as a
    run. An unfinished sweep is resumed. Prints a table with the swept values, tail index and escape time of
    each model of each case, the effects of the values, and the path of the report.

    If only keys of single models are swept, all values are models of one study: use `fastsde study`. The key
    "models.*.batch" sets the batch of every model that has one; models without a batch of their own use that
    of the SGD with which they are compared.

    \b
    Examples:
        fastsde sweep rates.toml
        fastsde sweep rates.toml -o runs/rates --trajectories 4096 --threads 8
        fastsde sweep rates.toml --quick
        fastsde sweep rates.toml --csv rates.csv
        fastsde sweep rates.toml --json > effects.json
    """
    from fastsde.analysis.cases import analyze_cases
    from fastsde.analysis.requirements import check_analysable
    from fastsde.cli import show, work
    from fastsde.report.escape.effects import effect_rows
    from fastsde.report.sweep.crossed import crossed_sentence, main_crossed
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
            work.analyze_source(places[case.name], reporter, quick=quick)
            work.report_directory(places[case.name], reporter)
        reporter.update(len(cases), "all cases")
        analysis = analyze_cases(cases, places)
        analysis.save(directory / SWEEP_FILE)
        page = write_sweep_report(directory)
    if csv_file is not None:
        with replacing(csv_file) as temporary:
            temporary.write_text(csv_text(analysis), encoding="utf-8", newline="")
    if as_json:
        show.print_json({"report": page, "sweep": analysis.document()})
        return
    show.print_models(work.summaries(cases))
    show.print_rows(text_rows(analysis))
    place = main_place(analysis)
    effects = {key: effect for key, effect in analysis.effects.items() if effect.place == place}
    if effects:
        show.print_rows(
            effect_rows(effects, analysis.places), "Effects of the swept values, from lowest to highest"
        )
    together = main_crossed(analysis)
    if together is not None:
        click.echo(crossed_sentence(analysis, together))
    click.echo(f"report: {page}")
