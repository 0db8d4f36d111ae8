"""``fastsde status``: how far a run is."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import click

from fastsde.cli import options

__all__ = ["command"]


@click.command("status", short_help="Tell how far a run is.")
@options.directory
@options.as_json
def command(directory: Path, as_json: bool) -> None:
    """Tell how far a run is: for each model, parts and trajectories done and missing.

    \b
    Examples:
        fastsde status runs/saddle
        fastsde status runs/saddle --json
    """
    from fastsde.cli import show
    from fastsde.parts import status
    from fastsde.store import ENSEMBLE_FILE

    models = [dataclasses.asdict(model) for model in status(directory)]
    whole = all(model["parts_missing"] == 0 for model in models)
    joined = (directory / ENSEMBLE_FILE).is_file()
    if as_json:
        show.print_json({"directory": directory, "whole": whole, "joined": joined, "models": models})
        return
    show.print_rows(models)
    click.echo("all parts are there" if whole else "parts are missing: `fastsde run` computes them")
