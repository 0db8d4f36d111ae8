"""``fastsde run``: compute and join the missing parts of a study."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from fastsde.cli import options
from fastsde.system.progress import Mode, make

__all__ = ["command"]


@click.command("run", short_help="Simulate the trajectories of a study, or resume an unfinished run.")
@options.study_file
@options.output
@options.threads
@options.trajectories
@options.steps
@options.part_size
@click.option(
    "--shard",
    metavar="I/N",
    help="Compute only shard I of N, without joining. N alone: take I from the job array's task number.",
)
@click.option(
    "--index-from",
    metavar="INDEX",
    type=click.IntRange(min=0),
    help="With --shard N: index of the first task of the whole array.  [default: from the scheduler]",
)
@click.option(
    "--copy",
    is_flag=True,
    help="Copy all data into ensemble.h5, to share it as one file, instead of referring to parts/.",
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
    """Simulate the trajectories of a study, join them into one ensemble, and print its path.

    Existing parts are kept and only missing ones are computed; more trajectories, models or steps extend a
    finished run. Ctrl-C or a signal (TERM, USR1, USR2) saves a checkpoint and exits with code 75; rerun the
    command to resume. Several processes may run the same study in the same directory and share its parts.

    \b
    Examples:
        fastsde run saddle.toml
        fastsde run saddle.toml -o /scratch/saddle --threads 8 --progress log
        fastsde run saddle.toml --trajectories 100000     add trajectories to a finished run
        fastsde run saddle.toml --steps 40000             continue a finished run to step 40000
        fastsde run saddle.toml --shard 3/100             one shard; join with: fastsde merge runs/saddle
        fastsde run saddle.toml --shard 100               in a job array of 100 tasks
    """
    from fastsde.cli import work
    from fastsde.run.scheduler import shard_of

    which = None if shard is None else shard_of(shard, index_from=index_from)
    if index_from is not None and shard is None:
        raise click.UsageError("--index-from requires --shard N")
    study = work.load_study(study_file, trajectories, steps)
    directory = options.default_directory(study_file, output)
    click.echo(work.run_study(study, directory, make(progress), shard=which, **how))
