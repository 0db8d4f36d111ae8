"""``fastsde report``: figures and the HTML report."""

from __future__ import annotations

from pathlib import Path

import click

from fastsde.cli import options
from fastsde.system.progress import Mode, make

__all__ = ["command"]


@click.command("report", short_help="Write the figures and HTML report of an analysed run.")
@options.directory
@options.progress
@options.verify
def command(directory: Path, progress: Mode, verify: bool) -> None:
    """Write the figures and HTML report of an analysed run, and print the path of the report.

    Reads ensemble.h5 and analysis.h5; writes report.html (a single file that contains the figures) and
    figures/*.png. Fails if parts of the ensemble have been changed or removed since they were joined.

    \b
    Examples:
        fastsde report runs/saddle
    """
    from fastsde.cli import work

    click.echo(work.report_directory(directory, make(progress), verify=verify))
