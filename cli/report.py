"""``fastsde report``: figures and the page."""

from __future__ import annotations

from pathlib import Path

import click

from fastsde.cli import options
from fastsde.progress import Mode, make

__all__ = ["command"]


@click.command("report", short_help="Write figures and the HTML page of an analysed run.")
@options.directory
@options.progress
def command(directory: Path, progress: Mode) -> None:
    """Write figures and the HTML page of an analysed run; prints the page's path.

    Reads ensemble.h5 and analysis.h5, writes report.html (one file, figures inside) and figures/*.png.

    \b
    Examples:
        fastsde report runs/saddle
    """
    from fastsde.cli import work

    click.echo(work.report_directory(directory, make(progress)))
