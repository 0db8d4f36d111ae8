"""``fastsde status``: how far a run is."""

from __future__ import annotations

from pathlib import Path

import click

from fastsde.cli import options

__all__ = ["command"]


@click.command("status", short_help="Tell how far a run is, also while it goes.")
@options.directory
@click.option("--verify", is_flag=True, help="Compute every checksum: finds changed bytes, reads all files.")
@click.option("--watch", is_flag=True, help="Tell it again and again, until the run is whole.")
@click.option(
    "--every",
    metavar="SECONDS",
    type=click.FloatRange(min=0.1),
    default=5.0,
    show_default=True,
    help="With --watch: time between two looks.",
)
@options.as_json
def command(directory: Path, verify: bool, watch: bool, every: float, as_json: bool) -> None:
    """Tell how far a run is: parts done, running, stopped, missing, broken, unreadable, and the time left.

    Only files are looked at: it works from any machine that sees the directory, while others compute.
    "Stopped" parts were begun by a process that has ended; the next run goes on from their checkpoints. The
    time left follows from the speed of the processes at work. Of "unreadable" files nothing is known, because
    the system refuses to read them. Exit code 1 if a file is broken or unreadable.

    \b
    Examples:
        fastsde status runs/saddle
        fastsde status runs/saddle --watch
        fastsde status runs/saddle --verify
        fastsde status runs/saddle --json
    """
    import time

    from fastsde.cli import show
    from fastsde.cli.signals import quietly
    from fastsde.run.status import status

    with quietly():
        while True:
            found = status(directory, verify=verify)
            if as_json:
                show.print_json({"directory": directory, **found.to_mapping()})
            else:
                show.print_status(found)
            if not watch or found.whole:
                break
            time.sleep(every)
    if found.broken or found.unreadable:
        raise click.exceptions.Exit(1)
