"""``fastsde run``: integrate what a study lacks."""

from __future__ import annotations

from pathlib import Path

import click

from fastsde.cli import options
from fastsde.progress import Mode, make

__all__ = ["command"]


@click.command("run", short_help="Integrate the trajectories of a study; goes on where it stopped.")
@options.study_file
@options.output
@options.threads
@options.trajectories
@options.part_size
@click.option(
    "--copy",
    is_flag=True,
    help="Make ensemble.h5 one file with all numbers in it, to send away, instead of referring to parts/.",
)
@options.progress
def command(
    study_file: Path,
    output: Path | None,
    threads: int | None,
    trajectories: int | None,
    part_size: int | None,
    copy: bool,
    progress: Mode,
) -> None:
    """Integrate the trajectories of a study and join them to one ensemble; prints its path.

    Parts that stand in the directory are kept, only missing ones are computed. Stopping with Ctrl-C or a
    signal (TERM, USR1, USR2) keeps finished parts and exits with 75: the same command goes on.

    \b
    Examples:
        fastsde run saddle.toml
        fastsde run saddle.toml -o /scratch/saddle --threads 8 --progress log
        fastsde run saddle.toml --trajectories 100000     extends a finished run
    """
    from fastsde.cli import work

    study = work.load_study(study_file, trajectories)
    directory = options.default_directory(study_file, output)
    click.echo(work.run_study(study, directory, make(progress), threads, part_size, copy))
