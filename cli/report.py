"""``fastsde report``: figures and the page."""

from __future__ import annotations

from pathlib import Path

import click

from fastsde.cli import options
from fastsde.system.progress import Mode, make

__all__ = ["command"]


@click.command("report", short_help="Write figures and the HTML page of an analysed run.")
@options.directory
@options.progress
@options.verify
def command(directory: Path, progress: Mode, verify: bool) -> None:
    """Write figures and the HTML page of an analysed run; prints the page's path.

    Reads ensemble.h5 and analysis.h5, writes report.html (one file, figures inside) and figures/*.png. An
    ensemble whose parts are not those that it was joined of is refused.

    \b
    Examples:
        fastsde report runs/saddle
    """
    from fastsde.cli import work

    click.echo(work.report_directory(directory, make(progress), verify=verify))
