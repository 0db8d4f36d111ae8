"""``fastsde plan``: what a study will take."""

from __future__ import annotations

from pathlib import Path

import click

from fastsde.cli import options
from fastsde.system.progress import Mode, make

__all__ = ["command"]


@click.command("plan", short_help="Tell time, memory and disk of a study before it is run.")
@options.study_file
@options.threads
@click.option(
    "--tasks", metavar="N", type=click.IntRange(1, 1_000_000), help="Look at so many tasks as well."
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
    """Tell time, memory and disk of a study before it is run, and suggest a job array; writes nothing.

    Every model is measured on this machine for a few seconds; what the analysis will take follows from its
    size, within a factor of two to three. Of a file with a [sweep], every case is told, and the whole.

    \b
    Examples:
        fastsde plan saddle.toml
        fastsde plan saddle.toml --trajectories 1000000 --threads 4 --tasks 50
        fastsde plan saddle.toml --part-size 8192
        fastsde plan rates.toml                                 a sweep
        fastsde plan saddle.toml --json
    """
    from fastsde.benchmark.forecast import Speed, forecast
    from fastsde.cli import show, work
    from fastsde.cli.signals import stop_at_once
    from fastsde.integrate.devices import classes

    cases = work.load_cases(study_file, trajectories, steps)
    reporter, known = make(progress), dict[str, Speed]()
    with stop_at_once(), reporter.task("plan", len(cases), "studies"):
        found = {}
        for number, case in enumerate(cases):
            reporter.update(number, case.name)
            found[case.name] = forecast(
                case.study, threads=threads, tasks=tasks, part_size=part_size, progress=reporter, known=known
            )
        reporter.update(len(cases))
    if len(cases) == 1:
        (study, one) = cases[0].study, found[cases[0].name]
        if as_json:
            show.print_json(one.to_mapping() | {"gpu": classes(study)})
            return
        show.print_forecast(one)
        click.echo("\nOn a GPU (--device cuda)")
        show.print_pairs(classes(study), indent="  ")
    elif as_json:
        cases_found = {name: one.to_mapping() for name, one in found.items()}
        show.print_json({"cases": cases_found, "seconds": sum(one.seconds for one in found.values())})
    else:
        show.print_forecasts(found)
