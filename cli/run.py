"""``fastsde run``: integrate what a study lacks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from fastsde.cli import options
from fastsde.system.progress import Mode, make

__all__ = ["command"]


@click.command("run", short_help="Integrate the trajectories of a study; goes on where it stopped.")
@options.study_file
@options.output
@options.threads
@options.trajectories
@options.steps
@options.part_size
@click.option(
    "--shard",
    metavar="I/N",
    help="Compute shard I of N only, and join nothing; or N alone: the task of a job array knows which.",
)
@click.option(
    "--index-from",
    metavar="INDEX",
    type=click.IntRange(min=0),
    help="With --shard N: index of the first task of the whole array.  [default: as the scheduler says]",
)
@click.option(
    "--copy",
    is_flag=True,
    help="Make ensemble.h5 one file with all numbers in it, to send away, instead of referring to parts/.",
)
@options.running
@options.progress
def command(
    study_file: Path,
    output: Path | None,
    trajectories: int | None,
    steps: int | None,
    shard: str | None,
    index_from: int | None,
    progress: Mode,
    **how: Any,
) -> None:
    """Integrate the trajectories of a study and join them to one ensemble; prints its path.

    Parts that stand in the directory are kept, only missing ones are computed; more trajectories, models or
    steps extend a finished run. Stopping with Ctrl-C or a signal (TERM, USR1, USR2) saves a checkpoint and
    exits with 75: the same command goes on. Several processes may run the same study into the same directory,
    and share its parts.

    \b
    Examples:
        fastsde run saddle.toml
        fastsde run saddle.toml -o /scratch/saddle --threads 8 --progress log
        fastsde run saddle.toml --trajectories 100000     extends a finished run
        fastsde run saddle.toml --steps 40000             makes it longer
        fastsde run saddle.toml --shard 3/100             one shard; then: fastsde merge runs/saddle
        fastsde run saddle.toml --shard 100               in a job array of 100 tasks
    """
    from fastsde.cli import work
    from fastsde.run.scheduler import shard_of

    which = None if shard is None else shard_of(shard, index_from=index_from)
    if index_from is not None and shard is None:
        raise click.UsageError("--index-from goes with --shard N")
    study = work.load_study(study_file, trajectories, steps)
    directory = options.default_directory(study_file, output)
    click.echo(work.run_study(study, directory, make(progress), shard=which, **how))
