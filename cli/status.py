"""``fastsde status``: the progress of a run."""

from __future__ import annotations

from pathlib import Path

import click

from fastsde.cli import options
from fastsde.system.progress import Mode, make

__all__ = ["command"]


@click.command("status", short_help="Show the progress of a run, finished or not.")
@options.directory
@options.verify
@click.option("--watch", is_flag=True, help="Repeat until the run is complete.")
@click.option(
    "--every",
    metavar="SECONDS",
    type=click.FloatRange(min=0.1),
    default=5.0,
    show_default=True,
    help="With --watch: time between updates.",
)
@options.progress
@options.as_json
def command(directory: Path, verify: bool, watch: bool, every: float, progress: Mode, as_json: bool) -> None:
    """Show the progress of a run: parts done, running, stopped, missing, broken, unreadable; time left.

    The command only reads files, so it can be used on any machine that sees the directory, while others
    compute. "Stopped" parts were started by a process that has ended; the next run resumes them from their
    checkpoints. The time left is estimated from the speed of the running processes. "Unreadable" files may be
    intact, but the system refuses to read them. Exit code 1 if a file is broken or unreadable.

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
            state = status(directory, verify=verify, progress=make(progress))
            if as_json:
                show.print_json({"directory": directory, **state.to_mapping()})
            else:
                show.print_status(state)
            if not watch or state.whole:
                break
            time.sleep(every)
    if state.broken or state.unreadable:
        raise click.exceptions.Exit(1)
