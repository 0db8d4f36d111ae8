"""``fastsde merge``: join shards computed anywhere."""

from __future__ import annotations

from pathlib import Path

import click

__all__ = ["command"]


@click.command("merge", short_help="Join shards computed anywhere, after checking them.")
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
    help="Where the parts are gathered; needed for several directories.",
)
@click.option(
    "--copy",
    is_flag=True,
    help="Make ensemble.h5 one file with all numbers in it, instead of referring to parts/.",
)
@click.option(
    "--partial",
    is_flag=True,
    help="Join what is finished so far to partial.h5, while others compute the rest.",
)
@click.option(
    "--step",
    metavar="S",
    type=click.IntRange(min=1),
    help="With --partial: all trajectories that have come to the snapshot at step S.",
)
@click.option("--any-version", is_flag=True, help="Mix numbers of different versions of the program.")
def command(
    directories: tuple[Path, ...],
    output: Path | None,
    copy: bool,
    partial: bool,
    step: int | None,
    any_version: bool,
) -> None:
    """Join shards computed anywhere to one ensemble; prints its path.

    Every checksum is computed. Refused are directories of different studies or seeds, numbers of different
    versions, broken files (exit code 2), and, but for --partial, a run that is not whole (exit code 1); the
    message says which and what.

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
        raise click.UsageError("several directories are merged into another one: say which, with -o DIR")
    if step is not None and (not partial or len(directories) > 1):
        raise click.UsageError("--step goes with --partial, and one directory")
    with stop_at_once():
        if step is not None:
            from fastsde.run.partial import peek

            click.echo(peek(directories[0], step))
            return
        click.echo(merge(directories, output, copy=copy, partial=partial, any_version=any_version))
