"""``fastsde merge``: join shards into one ensemble."""

from __future__ import annotations

from pathlib import Path

import click

from fastsde.cli import options
from fastsde.system.progress import Mode, make

__all__ = ["command"]


@click.command("merge", short_help="Check the shards of a run and join them.")
@click.argument(
    "directories",
    metavar="DIR...",
    nargs=-1,
    required=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
)
@click.option(
    "-o",
    "--output",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="Directory in which the parts are collected; required for several directories.",
)
@click.option(
    "--copy",
    is_flag=True,
    help="Copy all data into ensemble.h5 instead of referring to the files in parts/.",
)
@click.option(
    "--partial",
    is_flag=True,
    help="Join the parts finished so far to partial.h5, while the run continues.",
)
@click.option(
    "--step",
    metavar="S",
    type=click.IntRange(min=1),
    help="With --partial: all trajectories that have reached the snapshot at step S, up to that step.",
)
@click.option("--any-version", is_flag=True, help="Accept parts computed by different versions.")
@options.progress
def command(
    directories: tuple[Path, ...],
    output: Path | None,
    copy: bool,
    partial: bool,
    step: int | None,
    any_version: bool,
    progress: Mode,
) -> None:
    """Join shards, wherever they were computed, into one ensemble, and print its path.

    All checksums are verified. The command fails with exit code 2 if the directories belong to different
    studies or seeds, if parts were computed by different versions, or if a file is broken; and with exit code
    1 if the run is incomplete and --partial is not given.

    \b
    Examples:
        fastsde merge runs/saddle
        fastsde merge shard1 shard2 shard3 -o runs/saddle
        fastsde merge runs/saddle --partial && fastsde info runs/saddle/partial.h5
        fastsde merge runs/saddle --partial --step 1000
    """
    from fastsde.cli.signals import stop_at_once
    from fastsde.run.merge import merge

    if output is None and len(directories) > 1:
        raise click.UsageError("to merge several directories, give an output directory with -o DIR")
    if step is not None and (not partial or len(directories) > 1):
        raise click.UsageError("--step requires --partial and a single directory")
    with stop_at_once():
        if step is not None:
            from fastsde.run.partial import peek

            click.echo(peek(directories[0], step))
            return
        path = merge(
            directories,
            output,
            copy=copy,
            partial=partial,
            any_version=any_version,
            progress=make(progress),
        )
        click.echo(path)
