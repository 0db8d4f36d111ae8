"""``fastsde info``: this installation, or the content of an ensemble."""

from __future__ import annotations

from pathlib import Path

import click

from fastsde.cli import options
from fastsde.system.progress import Mode, make

__all__ = ["command"]


@click.command("info", short_help="Describe this installation, or an ensemble.")
@click.argument("path", required=False, metavar="[DIR|FILE]", type=click.Path(exists=True, path_type=Path))
@options.verify
@options.progress
@options.as_json
def command(path: Path | None, verify: bool, progress: Mode, as_json: bool) -> None:
    """Describe this installation (versions, threads, vector lanes, cache), or the content of an ensemble.

    \b
    Examples:
        fastsde info
        fastsde info runs/saddle
        fastsde info runs/saddle/ensemble.h5 --json
        fastsde info runs/saddle --verify
    """
    from fastsde.cli import show
    from fastsde.run.description import contents, environment

    described = environment() if path is None else contents(path, verify=verify, progress=make(progress))
    if as_json:
        show.print_json(described)
    else:
        show.print_pairs(described)
