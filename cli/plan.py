"""``fastsde plan``: what a study will take."""

from __future__ import annotations

from pathlib import Path

import click

from fastsde.cli import options

__all__ = ["command"]


@click.command("plan", short_help="Tell time, memory and disk of a study before it is run.")
@options.study_file
@options.threads
@click.option(
    "--tasks", metavar="N", type=click.IntRange(1, 1_000_000), help="Look at so many tasks as well."
)
@options.trajectories
@options.steps
@options.as_json
def command(
    study_file: Path,
    threads: int | None,
    tasks: int | None,
    trajectories: int | None,
    steps: int | None,
    as_json: bool,
) -> None:
    """Tell time, memory and disk of a study before it is run, and suggest a job array; writes nothing.

    Every model is measured on this machine for a few seconds. Times are without analysis and report.

    \b
    Examples:
        fastsde plan saddle.toml
        fastsde plan saddle.toml --trajectories 1000000 --threads 4 --tasks 50
        fastsde plan saddle.toml --json
    """
    from fastsde.cli import show, work
    from fastsde.cli.signals import stop_at_once
    from fastsde.forecast import forecast
    from fastsde.gpu import classes

    study = work.load_study(study_file, trajectories, steps)
    with stop_at_once():
        found = forecast(study, threads=threads, tasks=tasks)
    if as_json:
        show.print_json(found.to_mapping() | {"gpu": classes(study)})
    else:
        show.print_forecast(found)
        click.echo("\nOn a graphics processor (--device cuda)")
        show.print_pairs(classes(study), indent="  ")
