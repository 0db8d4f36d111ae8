"""``fastsde plan``: time, memory and disk space that a study needs."""

from __future__ import annotations

from pathlib import Path

import click

from fastsde.cli import options
from fastsde.system.progress import Mode, make

__all__ = ["command"]


@click.command("plan", short_help="Estimate the time, memory and disk space of a study.")
@options.study_file
@options.threads
@click.option(
    "--tasks", metavar="N", type=click.IntRange(1, 1_000_000), help="Also estimate a job array of N tasks."
)
@options.trajectories
@options.steps
@options.part_size
@options.progress
@options.as_json
def command(
    study_file: Path,
    threads: int | None,
    tasks: int | None,
    trajectories: int | None,
    steps: int | None,
    part_size: int | None,
    progress: Mode,
    as_json: bool,
) -> None:
    """Estimate the time, memory and disk space of a study, and suggest a job array; writes no results.

    Every model is timed on this machine for a few seconds; the time of the analysis is estimated from its
    size, to within a factor of two to three. Runs that this machine has finished correct all times. For a
    file with a [sweep], every case and the total are shown.

    \b
    Examples:
        fastsde plan saddle.toml
        fastsde plan saddle.toml --trajectories 1000000 --threads 4 --tasks 50
        fastsde plan saddle.toml --part-size 8192
        fastsde plan rates.toml                                 for a sweep
        fastsde plan saddle.toml --json
    """
    from fastsde.benchmark.forecast import forecast
    from fastsde.benchmark.pilot import Speed
    from fastsde.cli import show, work
    from fastsde.cli.signals import stop_at_once
    from fastsde.integrate.gpu.placements import classes

    cases = work.load_cases(study_file, trajectories, steps)
    reporter, known = make(progress), dict[str, Speed]()
    with stop_at_once(), reporter.task("plan", len(cases), "studies"):
        forecasts = {}
        for number, case in enumerate(cases):
            reporter.update(number, case.name)
            forecasts[case.name] = forecast(
                case.study, threads=threads, tasks=tasks, part_size=part_size, progress=reporter, known=known
            )
        reporter.update(len(cases))
    if len(cases) == 1:
        study, single = cases[0].study, forecasts[cases[0].name]
        if as_json:
            show.print_json(single.to_mapping() | {"gpu": classes(study)})
            return
        show.print_forecast(single)
        click.echo("\nOn a GPU (--device cuda)")
        show.print_pairs(classes(study), indent="  ")
    elif as_json:
        rows = {name: case.to_mapping() for name, case in forecasts.items()}
        show.print_json({"cases": rows, "seconds": sum(case.seconds for case in forecasts.values())})
    else:
        show.print_forecasts(forecasts)
