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
@click.option(
    "--template",
    type=click.Choice(["screen", "paper"]),
    default="screen",
    show_default=True,
    help="screen: one HTML page. paper: figures for two columns (PDF), and LaTeX tables, in DIRECTORY/paper.",
)
def command(directory: Path, progress: Mode, verify: bool, template: str) -> None:
    """Write the figures and HTML report of an analysed run, and print the path of the report.

    Reads ensemble.h5 and analysis.h5; writes report.html (a single file that contains the figures), and
    figures/*.png and *.svg. Fails if parts of the ensemble have been changed or removed since they were
    joined.

    \b
    Examples:
        fastsde report runs/saddle
        fastsde report runs/saddle --template paper
    """
    from fastsde.cli import work

    write = work.paper_directory if template == "paper" else work.report_directory
    click.echo(write(directory, make(progress), verify=verify))
